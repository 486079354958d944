#!/usr/bin/env bash
# Installs ONNX Runtime, the fast compute engine, into the user's cache folder, where sparsepo looks for it. Takes the
# library from the npm package onnxruntime-node; package and library must have the hash sums below. Does nothing when the
# library is there already.
set -euo pipefail

version=1.30.0
package_sha512=b7086cd42d82fc1164cf5c9ce4e634288536194aba0d444eee10f86f1e50d90cb79c0309c115d6f31537355733136f5503d96894b3987a9a03f1f8d318e7c8ab

die() {
	echo "engine: $1" >&2
	exit 1
}

sha() { # sha BITS FILE: the file's hash sum in hexadecimal
	if command -v "sha${1}sum" >/dev/null; then
		"sha${1}sum" "$2"
	else
		shasum -a "$1" "$2"
	fi | cut -d' ' -f1
}

case "$(uname -s)-$(uname -m)" in
Linux-x86_64)
	member=linux/x64/libonnxruntime.so.1
	library_sha256=ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23
	;;
Linux-aarch64)
	member=linux/arm64/libonnxruntime.so.1
	library_sha256=1f549d46250b005580b597f4164984aaf75b3bcb9f3aeb07c7f8a8fe60b23c76
	;;
Darwin-arm64)
	member=darwin/arm64/libonnxruntime.$version.dylib
	library_sha256=685d2be5dba1309c89d3a5324b7fd06a5c42f1a61bfea32d14c4cc28d072121d
	;;
*)
	die "no ONNX Runtime library is packaged for $(uname -s) on $(uname -m); sparsepo runs on its Go engine, or set ONNXRUNTIME_SHARED_LIBRARY_PATH to a library of your own"
	;;
esac

case "$(uname -s)" in
Darwin)
	cache=$HOME/Library/Caches
	name=libonnxruntime.dylib
	;;
*)
	cache=${XDG_CACHE_HOME:-$HOME/.cache}
	name=libonnxruntime.so.1
	;;
esac
folder=$cache/sparsepo/onnxruntime-$version
library=$folder/$name

if [ -f "$library" ] && [ "$(sha 256 "$library")" = "$library_sha256" ]; then
	echo "engine: ONNX Runtime $version is installed: $library"
	exit 0
fi

command -v npm >/dev/null ||
	die "npm is missing, which fetches ONNX Runtime; install it (Debian: apt-get install npm), or set ONNXRUNTIME_SHARED_LIBRARY_PATH to a library of version 1.26 or later"

mkdir -p "$folder"
work=$(mktemp -d "$folder/.download.XXXXXX") # on the target's file system, so that the last step is a rename
trap 'rm -rf "$work"' EXIT

echo "engine: fetching onnxruntime-node $version (114 MB)"
(cd "$work" && npm pack --silent "onnxruntime-node@$version" >/dev/null) ||
	die "npm could not fetch onnxruntime-node@$version; check the network and npm's registry setting, then run make engine again"
archive=$work/onnxruntime-node-$version.tgz
[ "$(sha 512 "$archive")" = "$package_sha512" ] ||
	die "the package that npm fetched has an unexpected SHA-512 sum: $(sha 512 "$archive"), want $package_sha512"
tar -xzf "$archive" -C "$work" "package/bin/napi-v6/$member"
unpacked=$work/package/bin/napi-v6/$member
[ "$(sha 256 "$unpacked")" = "$library_sha256" ] ||
	die "the library in the package has an unexpected SHA-256 sum: $(sha 256 "$unpacked"), want $library_sha256"
chmod 644 "$unpacked"
mv -f "$unpacked" "$library"
echo "engine: installed ONNX Runtime $version: $library"
