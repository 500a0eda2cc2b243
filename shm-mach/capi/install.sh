#!/bin/sh
# Installs the headers, the libraries and the pkg-config file below PREFIX, after `cargo build --release`:
#
#     shm-mach/capi/install.sh PREFIX [TARGET]
#
# TARGET is the folder that cargo has built into: target/release unless it is given.
set -eu
prefix=${1:?usage: install.sh PREFIX [TARGET]}
here=$(cd "$(dirname "$0")" && pwd)
target=${2:-$here/../../target/release}

mkdir -p "$prefix/include" "$prefix/lib/pkgconfig"
cp -R "$here/include/." "$prefix/include/"
cp "$target/libshm_mach.so" "$target/libshm_mach.a" "$prefix/lib/"
cp "$here/shm-mach.pc" "$prefix/lib/pkgconfig/"
