# data: download the official files of MNIST, Fashion-MNIST, CIFAR-10 and CIFAR-100 into FOLDER
# ($1), each compared with its owner's MD5 sum. What is there already is not downloaded again; a
# broken download leaves nothing behind. FOLDER is what --data takes.

folder=$1
# fetch URL FILE; curl or wget, whichever is there
if command -v curl > /dev/null; then
    fetch() { curl -fsSL --retry 2 --connect-timeout 20 -o "$2" "$1"; }
elif command -v wget > /dev/null; then
    fetch() { wget -q --tries=3 --timeout=20 -O "$2" "$1"; }
else
    echo "data: neither curl nor wget is here" >&2
    exit 1
fi

# get URL FILE MD5: FILE is FOLDER's
get() {
    target=$folder/$2
    [ -e "$target" ] && return
    mkdir -p "$(dirname "$target")" || exit 3
    echo "$2 from $1"
    if ! fetch "$1" "$target.part"; then
        rm -f "$target.part"
        echo "data: cannot download $1: no network, or the server is away" >&2
        exit 1
    fi
    if [ "$(md5sum < "$target.part" | cut -d' ' -f1)" != "$3" ]; then
        rm -f "$target.part"
        echo "data: $1 is not the official file (its MD5 sum should be $3)" >&2
        exit 1
    fi
    mv "$target.part" "$target"
}

# unpack ARCHIVE SET LAST: the files in ARCHIVE's one folder go to FOLDER/SET; LAST is one of them
unpack() {
    [ -e "$folder/$2/$3" ] && return
    mkdir -p "$folder/$2" && tar -xzf "$folder/$1" -C "$folder/$2" --strip-components=1 || exit 3
}

mnist=https://ossci-datasets.s3.amazonaws.com/mnist
get $mnist/train-images-idx3-ubyte.gz mnist/train-images-idx3-ubyte.gz \
    f68b3c2dcbeaaa9fbdd348bbdeb94873
get $mnist/train-labels-idx1-ubyte.gz mnist/train-labels-idx1-ubyte.gz \
    d53e105ee54ea40749a09fcbcd1e9432
get $mnist/t10k-images-idx3-ubyte.gz mnist/t10k-images-idx3-ubyte.gz \
    9fb629c4189551a2d022fa330f9573f3
get $mnist/t10k-labels-idx1-ubyte.gz mnist/t10k-labels-idx1-ubyte.gz \
    ec29112dd5afa0611ce80d1b7f02629c

fashion=http://fashion-mnist.s3-website.eu-central-1.amazonaws.com
get $fashion/train-images-idx3-ubyte.gz fashion-mnist/train-images-idx3-ubyte.gz \
    8d4fb7e6c68d591d4c3dfef9ec88bf0d
get $fashion/train-labels-idx1-ubyte.gz fashion-mnist/train-labels-idx1-ubyte.gz \
    25c81989df183df01b3e8a0aad5dffbe
get $fashion/t10k-images-idx3-ubyte.gz fashion-mnist/t10k-images-idx3-ubyte.gz \
    bef4ecab320f06d8554ea6380940ec79
get $fashion/t10k-labels-idx1-ubyte.gz fashion-mnist/t10k-labels-idx1-ubyte.gz \
    bb300cfdad3c16e7a12a480ee83cd310

cifar=https://www.cs.toronto.edu/~kriz
get $cifar/cifar-10-binary.tar.gz cifar-10-binary.tar.gz c32a1d4ab5d03f1284b67883e8d87530
unpack cifar-10-binary.tar.gz cifar-10 test_batch.bin
get $cifar/cifar-100-binary.tar.gz cifar-100-binary.tar.gz 03b5dce01913d631647c71ecec9e9cb8
unpack cifar-100-binary.tar.gz cifar-100 test.bin
echo "data: all there in $folder/"
