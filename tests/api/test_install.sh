#!/bin/sh
# SPDX-License-Identifier: MIT
# test_install.sh: installs a build into a separate folder and uses it as a stranger would:
# test_install.sh SOURCE BUILD MAKE_MODEL. CC, CXX, MESON say which tools.
set -eu

source=$1 build=$2 make_model=$3
cc=${CC:-cc} cxx=${CXX:-c++} meson=${MESON:-meson}
folder=$(mktemp -d "${TMPDIR:-/tmp}/pdessm-install-XXXXXX")
trap 'rm -rf "$folder"' EXIT INT TERM

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# ------------------------------------------------------------------ install, find by pkg-config

DESTDIR=$folder $meson install -C "$build" --no-rebuild --quiet
pc=$(find "$folder" -name pdessm.pc)
[ -n "$pc" ] || fail "no pdessm.pc was installed"
prefix=$(sed -n 's/^prefix=//p' "$pc")
root=$folder$prefix
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
config="pkg-config --define-variable=prefix=$root"
libdir=$($config --variable=libdir pdessm)
[ -e "$libdir/libpdessm.a" ] || fail "no $libdir/libpdessm.a"
[ -x "$root/bin/pdessm-cl" ] || fail "no $root/bin/pdessm-cl"

# ------------------------------------------------------------------ every header alone, C and C++

for header in "$root"/include/pdessm/*.h; do
    name=$(basename "$header")
    [ -e "$source/include/pdessm/$name" ] || fail "$name was installed but is not in the tree"
    for language in "$cc -x c -std=c11" "$cxx -x c++ -std=c++11"; do
        printf '#include <pdessm/%s>\n#include <pdessm/%s>\ntypedef int used;\n' "$name" "$name" |
            $language -pedantic -Wall -Wextra -Werror -fsyntax-only -I"$root/include" - ||
            fail "<pdessm/$name> does not compile alone with $language"
    done
done
[ "$(ls "$source"/include/pdessm/*.h | wc -l)" = "$(ls "$root"/include/pdessm/*.h | wc -l)" ] ||
    fail "not every public header was installed"

# ------------------------------------------------------------------ the examples

"$make_model" "$folder/model.safetensors"
warnings="-std=c11 -Wall -Wextra -Wconversion -Werror"
for name in example example_train; do
    # shellcheck disable=SC2046,SC2086
    {
        $cc $warnings "$source/docs/$name.c" $($config --cflags --libs pdessm) \
            -o "$folder/$name-shared"
        # Everything else stays shared: no distribution ships all of it as archives.
        $cc $warnings $($config --cflags pdessm) "$source/docs/$name.c" "$libdir/libpdessm.a" \
            $($config --static --libs pdessm | tr ' ' '\n' | grep -v '^-lpdessm$') \
            -o "$folder/$name-static"
    }
    ldd "$folder/$name-static" | grep -q libpdessm && fail "$name-static wants libpdessm.so"
done
for kind in shared static; do
    LD_LIBRARY_PATH=$libdir PDESSM_DEVICE=cpu "$folder/example-$kind" \
        "$folder/model.safetensors" >"$folder/$kind.out" || fail "example-$kind does not run"
    LD_LIBRARY_PATH=$libdir PDESSM_DEVICE=cpu "$folder/example-$kind" /nonexistent \
        >/dev/null 2>"$folder/error" && fail "example-$kind loads /nonexistent"
    grep -q '/nonexistent' "$folder/error" || fail "the error does not name the file"
done
cmp "$folder/shared.out" "$folder/static.out" || fail "shared and static differ"
grep -q '^12288 numbers' "$folder/shared.out" || fail "example says: $(cat "$folder/shared.out")"

for kind in shared static; do
    LD_LIBRARY_PATH=$libdir PDESSM_DEVICE=cpu "$folder/example_train-$kind" "$folder/run-$kind" \
        >"$folder/$kind.train" 2>"$folder/error" || fail "example_train: $(cat "$folder/error")"
    grep -q "^$folder/run-$kind/step-00000020\$" "$folder/$kind.train" || fail "no checkpoint is named"
    grep '^step' "$folder/$kind.train" >"$folder/$kind.losses"
    grep -q 'step 20 of 20, loss [0-9]' "$folder/error" || fail "no progress: $(cat "$folder/error")"
    LD_LIBRARY_PATH=$libdir PDESSM_DEVICE=cpu "$folder/example_train-$kind" "$folder/run-$kind" \
        2>"$folder/error" | grep '^step' | cmp - "$folder/$kind.losses" ||
        fail "example_train does not resume: $(cat "$folder/error")"
    grep -q 'has its 20 steps already' "$folder/error" || fail "it trained again"
done
[ "$(wc -l <"$folder/shared.losses")" = 4 ] || fail "losses: $(cat "$folder/shared.losses")"
cmp "$folder/shared.losses" "$folder/static.losses" || fail "shared and static train differently"
LD_LIBRARY_PATH=$libdir "$root/bin/pdessm-cl" report "$folder/run-shared" --no-samples -q \
    >/dev/null || fail "report does not read what the example wrote"

# ------------------------------------------------------------------ symbols

library=$(ls "$libdir"/libpdessm.so.*.*.*)
foreign=$(nm -D --defined-only "$library" | awk '$3 !~ /^pdessm_/ { print $3 }')
[ -z "$foreign" ] || fail "the shared library exports $foreign"
# What it exports is what the headers declare, to the last function.
nm -D --defined-only "$library" | awk '{ print $3 }' | sort >"$folder/exported"
for header in "$root"/include/pdessm/*.h; do
    echo "#include <pdessm/$(basename "$header")>"
done | $cc -E -P -DPDESSM_API=PDESSM_API -I"$root/include" -x c - | tr '\n' ' ' |
    grep -o 'PDESSM_API [^;]*' | sed 's/^[^(]*[ *]\(pdessm_[a-z0-9_]*\)(.*/\1/' |
    sort -u >"$folder/declared"
[ -s "$folder/declared" ] || fail "no declaration was found"
diff "$folder/declared" "$folder/exported" >"$folder/difference" ||
    fail "headers (<) and library (>) differ: $(cat "$folder/difference")"
foreign=$(nm -g --defined-only "$libdir/libpdessm.a" 2>/dev/null |
    awk 'NF == 3 && $3 !~ /^pdessm_/ && $3 !~ /^__/ { print $3 }')
[ -z "$foreign" ] || fail "the static library defines $foreign"
# Constants that hold addresses are in .data.rel.ro, which the loader makes read-only.
writable=$(objdump -t "$libdir/libpdessm.a" |
    awk '/ (\.data|\.bss|\.tdata|\.tbss|\*COM\*)[ \t]/ && !/ d  / && $NF !~ /^\./ { print $NF }')
[ -z "$writable" ] || fail "the library has writable globals: $writable"

# ------------------------------------------------------------------ with and without libOpenCL

ldd "$library" | grep -qi opencl && fail "the library links libOpenCL"
ldd "$root/bin/pdessm-cl" | grep -qi opencl && fail "the program links libOpenCL"
run() {
    env LD_LIBRARY_PATH="$libdir" "$@" "$root/bin/pdessm-cl" devices 2>"$folder/note" |
        grep -q cpu || fail "'$* pdessm-cl devices' does not list plain C: $(cat "$folder/note")"
}
run PDESSM_MODULE_PATH=/nonexistent
grep -q 'OpenCL' "$folder/note" || fail "nothing is said about the missing module"
run OCL_ICD_VENDORS=/nonexistent
LD_LIBRARY_PATH=$libdir OCL_ICD_VENDORS=/nonexistent PDESSM_DEVICE='' "$folder/example-shared" \
    "$folder/model.safetensors" 2>/dev/null | cmp - "$folder/shared.out" ||
    fail "without a platform, auto is not plain C"
if [ -e "$libdir/pdessm/pdessm-opencl.so" ]; then
    foreign=$(nm -D --defined-only "$libdir/pdessm/pdessm-opencl.so" | awk '{ print $3 }')
    [ "$foreign" = pdessm_opencl_backend ] || fail "the module exports $foreign"
    # The installed library finds its module beside it.
    LD_LIBRARY_PATH=$libdir "$root/bin/pdessm-cl" devices 2>"$folder/note" >"$folder/devices"
    grep -q 'OpenCL is not installed' "$folder/note" && fail "the installed module is not found"
fi
echo "installed to $root: headers, examples, symbols and a life without OpenCL are in order"
