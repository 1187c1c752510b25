#!/bin/sh
# lathe verify holds for every spec: generated = interpreted in float = in double = differences.
set -u
lathe=${LATHE:-./lathe}
log=$(mktemp) || exit 3
trap 'rm -f "$log"' EXIT
status=0

verify() { # NAME SPEC OPTIONS...
    name=$1
    shift
    if "$lathe" verify "$@" > "$log" 2>&1; then
        echo "ok - verify $name"
    else
        status=1
        grep -E 'FAIL|error|fail' "$log"
        echo "not ok - verify $name"
    fi
}

# The deep ones with few channels and small images: what they are made of stays the same.
for spec in specs/*.lua; do
    case $spec in
    */alexnet.lua) set -- --set size=63 --set classes=10 ;;
    */resnet18.lua) set -- --set size=64 --set width=8 --set classes=10 ;;
    */resnet50.lua) set -- --set size=64 --set width=4 --set classes=10 ;;
    */resnext50.lua) set -- --set size=64 --set groups=4 --set planes=8 --set classes=10 ;;
    */densenet121.lua) set -- --set size=32 --set growth=4 --set thinner=4 --set classes=10 ;;
    */residual80.lua) set -- --set filters=16 --set augment=all ;;
    *) set -- ;;
    esac
    verify "$spec" "$spec" "$@"
done
verify "resnet18 for CIFAR" specs/resnet18.lua --set data=cifar10 --set width=8
verify "the convolutions of toy" specs/toy.lua --set net=conv --set f=max
verify "the autoencoder's encoder" specs/autoencoder.lua --set part=encoder
verify "1 x 1 convolutions" tests/num/pointwise.lua
verify "packed pixels" tests/num/packed.lua
verify "packed pixels, portable" tests/num/packed.lua --isa portable
verify "means far from 0" tests/num/shifted.lua
verify "lenet5 with sigmoid, portable" specs/lenet5.lua --set act=sigmoid --isa portable
verify "lenet5 with the exact curve, avx2" specs/lenet5.lua --set act=dynamic --isa avx2
verify "pixels in lanes" tests/num/lanes.lua
verify "pixels in lanes, avx2" tests/num/lanes.lua --isa avx2
verify "pixels in lanes, portable" tests/num/lanes.lua --isa portable
verify "samples in lanes" tests/num/samples.lua --samples 19
verify "samples in lanes, avx2" tests/num/samples.lua --samples 19 --isa avx2
verify "samples in lanes, portable" tests/num/samples.lua --samples 3 --isa portable
for isa in native avx2 portable; do
    for net in curves folded groups lanes rare; do
        verify "$net, $isa" tests/golden/$net.lua --isa $isa
    done
done
exit $status
