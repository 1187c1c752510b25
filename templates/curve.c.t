$ -- An activation curve: value and slope. A table's value is a lattice of its lines where there is
$ -- one; else comparisons find the piece, then multiply-add. Many pieces are searched.
/* ${description} */
$ if pieces and searched > 0 then
static const float ${name}_table[] __attribute__((aligned(64))) = {
$   for i = 1, #rows, 4 do
    ${rows[i]}, ${rows[i + 1]}, ${rows[i + 2]}, ${rows[i + 3]},
$   end
};
$ end
LATHE_INLINE vf ${name}_value(vf x)
{
$ if pieces and value_searched then
    return lathe_table(x, ${name}_table, ${searched});
$ elseif pieces and lattice then
$   for i, piece in ipairs(pieces) do
$     if piece.slope == 0 then
    const vf y${i} = lathe_splat(${piece.intercept});
$     elseif piece.intercept == 0 then
    const vf y${i} = x * ${piece.slope};
$     else
    const vf y${i} = x * ${piece.slope} + ${piece.intercept};
$     end
$   end
$   for i, step in ipairs(lattice) do
    const vf y${#pieces + i} = lathe_${step.operation}(y${step.a}, y${step.b});
$   end
    return y${#pieces + #lattice};
$ elseif pieces then
    vf slope = lathe_splat(${pieces[1].slope}), intercept = lathe_splat(${pieces[1].intercept});
$   for i = 2, #pieces do
    const vf from${i} = lathe_splat(${pieces[i].from});
    slope = lathe_select_above(x, from${i}, lathe_splat(${pieces[i].slope}), slope);
    intercept = lathe_select_above(x, from${i}, lathe_splat(${pieces[i].intercept}), intercept);
$   end
    return slope * x + intercept;
$ elseif kind == "relu" then
    return lathe_max((vf){0}, x);
$ elseif kind == "leaky_relu" then
    return lathe_select(x > 0, x, x * ${a});
$ elseif kind == "dynamic" and P == 2 then
    const vf right = x + ${I}, left = x - ${I};
    const vf a = right * right * ${Q} + ${Z}, b = left * left * ${Q} + ${Z};
    return lathe_select(x <= 0, (vf){0}, x - x * ${LQI4} / (a * b));
$ elseif kind == "dynamic" then
    const vf right = x + ${I}, left = x - ${I};
    vf power_right = right, power_left = left;
    for (int i = 1; i < ${P}; i++) {
        power_right *= right;
        power_left *= left;
    }
    const vf a = power_right * ${Q} + ${Z}, b = power_left * ${Q} + ${Z};
    return lathe_select(x <= 0, (vf){0}, x + ${L} / a - ${L} / b);
$ elseif kind == "elu" then
    return lathe_elu(x, ${a});
$ else
    return lathe_${kind}(x);
$ end
}

$ if training then
__attribute__((unused)) LATHE_INLINE vf ${name}_slope(vf x)
{
$ if pieces then
$   if #pieces == 1 then
    return x * 0.0f + ${pieces[1].slope};
$   elseif slope_searched then
    return lathe_table_slope(x, ${name}_table, ${searched});
$   else
    vf slope = lathe_splat(${pieces[1].slope});
$     for i = 2, #pieces do
    slope = lathe_select_above(x, lathe_splat(${pieces[i].from}),
                               lathe_splat(${pieces[i].slope}), slope);
$     end
    return slope;
$   end
$ elseif kind == "relu" then
    return lathe_select(x > 0, lathe_splat(1.0f), (vf){0});
$ elseif kind == "leaky_relu" then
    return lathe_select(x > 0, lathe_splat(1.0f), lathe_splat(${a}));
$ elseif kind == "dynamic" then
    const vf right = x + ${I}, left = x - ${I};
    vf power_right = lathe_splat(1.0f), power_left = lathe_splat(1.0f); /* to P - 1 */
    for (int i = 1; i < ${P}; i++) {
        power_right *= right;
        power_left *= left;
    }
    const vf a = power_right * right * ${Q} + ${Z}, b = power_left * left * ${Q} + ${Z};
    const vf slope = 1.0f - ${LQP} * power_right / (a * a) + ${LQP} * power_left / (b * b);
    return lathe_select(x > 0, slope, (vf){0});
$ elseif kind == "elu" then
    return lathe_elu_slope(x, ${a});
$ else
    return lathe_${kind}_slope(x);
$ end
}

$ end
