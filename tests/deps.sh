# deps: find what building and testing lathe need by looking for the things themselves, and install
# the Debian packages of what is missing. Silent where all is there. "deps.sh bench": also what the
# bench compares with; "fuzz": clang; "soak": clang and Python.
#
# Plain sh and nothing else: on a fresh machine there are git and make.

missing=
need() { missing="$missing $*"; }
there() { command -v "$1" > /dev/null 2>&1; }
package() {
    for name; do
        pkg-config --exists "$name" 2> /dev/null && return
    done
    return 1
}
# A header named by patterns of paths; they are left as they are where nothing matches.
header() {
    for path; do
        [ -e "$path" ] && return
    done
    return 1
}

compiler=${CC:-cc}
there "${compiler%% *}" || need gcc
header /usr/include/stdio.h /usr/local/include/stdio.h || need libc6-dev
there make || need make
there pkg-config || need pkg-config
package lua5.4 lua-5.4 lua54 || need liblua5.4-dev
package check || need check
package openblas || need libopenblas-openmp-dev
package zlib || need zlib1g-dev
there gnuplot || need gnuplot-nox
there strace || need strace
there valgrind || need valgrind
there ccache || need ccache
header /usr/include/stb/stb_image.h /usr/local/include/stb/stb_image.h /usr/include/stb_image.h \
    /usr/local/include/stb_image.h || need libstb-dev

if [ "${1:-}" = fuzz ] || [ "${1:-}" = soak ]; then
    there clang || need clang
    header /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a \
        /usr/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a || need libclang-rt-dev
    header /usr/lib/llvm-*/lib/clang/*/include/omp.h /usr/include/omp.h || need libomp-dev
fi
[ "${1:-}" != soak ] || there python3 || need python3 # tests/mutate.py

has_torch() { "$1" -c 'import torch' 2> /dev/null; }
if [ "${1:-}" = bench ]; then
    header /usr/include/oneapi/dnnl/dnnl.h || need libdnnl-dev
    has_torch python3 || has_torch /usr/bin/python3 || need python3-torch
    there node || need nodejs
    there npm || need npm
fi

[ -z "$missing" ] && exit 0

if ! there apt-get; then
    echo "lathe needs these Debian packages, or what your system calls them:$missing" >&2
    exit 1
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
    sudo="sudo "
    if ! there sudo || ! { sudo -n true 2> /dev/null || [ -t 0 ]; }; then
        echo "lathe needs packages that are not here. As root, run:" >&2
        echo "apt-get update && apt-get install -y --no-install-recommends$missing" >&2
        exit 1
    fi
fi
echo "installing:$missing"
# shellcheck disable=SC2086 # words on purpose
${sudo}env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    ${sudo}env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
