$ -- Functions of one dimension that multiply by a matrix (gen/winograd.h).
$ for _, t in ipairs(transforms) do
LATHE_INLINE void ${name}_${t.name}(const vf *x, vf *y)
{
$   for _, line in ipairs(t.lines) do
    ${line}
$   end
}

$ end
