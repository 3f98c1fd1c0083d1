#!/bin/sh
# build.sh root ARCH      prints the directory with the libraries and murder-cc
#                         for ARCH (x86_64, aarch64); builds them if need be
# build.sh programs ARCH  builds OUT/linux-ARCH/murder_{tracker,make_torrent,client}
# build.sh check ARCH     runs the C unit tests, linked like the programs
# build.sh manifest       writes OUT/MANIFEST and OUT/LICENSES for what is in OUT
#
# OUT: MURDER_DIST, else dist/ of this tree. Sources and libraries are kept in
# MURDER_CACHE, else ~/.cache/murder; libraries under a key of all they are made
# from. Objects of the programs: MURDER_SCRATCH, else tmp/dist. See
# doc/PACKAGING.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
cache=${MURDER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/murder}
out=${MURDER_DIST:-$top/dist}
scratch=${MURDER_SCRATCH:-$top/tmp/dist}
max_size=6291456
max_gzipped=2621440
names="murder_tracker murder_make_torrent murder_client"

die() { echo "dist: $*" >&2; exit 1; }
sum() { sha256sum "$1" | cut -c1-64; }
parts() { grep -v '^#' "$here/sources"; }

# The pinned files that the cache has, which may hold others too.
pinned() {
	sed 's/^[^ ]*  //' "$here/SHA256SUMS" |
		while read -r f; do [ ! -f "$cache/sources/$f" ] || echo "$f"; done
}

# cross ARCH: the prefix of the tools that make programs for ARCH
cross() {
	[ "$(uname -m)" = "$1" ] || echo "$1-linux-gnu-"
}

need_tools() {
	"$(cross "$1")gcc" --version >/dev/null 2>&1 ||
		die "$1: $(cross "$1")gcc is missing: apt-get install gcc-$(echo "$1" | tr _ -)-linux-gnu (bin/setup does)"
	for tool in make patch perl xz bzip2 sha256sum flock; do
		command -v "$tool" >/dev/null || die "$tool is missing: bin/setup installs it"
	done
}

# key ARCH: changes with everything that the libraries are made from
key() {
	{
		(cd "$here" && cat sources SHA256SUMS libs.mk murder-cc.in)
		"$(cross "$1")gcc" --version | head -n 1
		pinned
	} | sha256sum | cut -c1-16
}

# libraries ARCH: builds them once; sets $root
libraries() {
	mkdir -p "$cache/sources" "$cache/lib"
	root=$cache/lib/$1-$(key "$1")
	[ ! -d "$root" ] || return 0
	exec 9>"$cache/lock"
	flock 9
	"$here/fetch.sh" "$cache/sources"
	root=$cache/lib/$1-$(key "$1")
	if [ ! -d "$root" ]; then
		work=$cache/work-$1
		rm -rf "$work"
		mkdir -p "$work/sources"
		pinned | while read -r f; do ln -s "$cache/sources/$f" "$work/sources/$f"; done
		echo "dist: building the libraries for $1 (a few minutes; $work.log)" >&2
		make -s -j"$(nproc)" -f "$here/libs.mk" ARCH="$1" \
			SOURCES="$work/sources" WORK="$work" >"$work.log" 2>&1 9>&- ||
			die "$1: the libraries do not build: the end of $work.log says why: $(tail -n 1 "$work.log")"
		mv "$work/root" "$root"
		rm -rf "$work"
	fi
	exec 9>&-
}

# murder_make ARCH WHAT...: make in ext/murder with what is built here
murder_make() {
	need_tools "$1"
	libraries "$1"
	build=$scratch/$1
	tools=$(cross "$1")
	PATH=$root/bin:$PATH
	mkdir -p "$build"
	SOURCE_DATE_EPOCH=1
	export PATH SOURCE_DATE_EPOCH
	shift
	libs="-Wl,--start-group -luv -lcurl -larchive -lmicrohttpd -lcrypto -lz -lbz2 -llzma -lzstd -Wl,--end-group"
	opt="-O2 -ffunction-sections -fdata-sections"
	make -s -C "$top/ext/murder" -j"$(nproc)" BUILD="$build" CC=murder-cc AR="${tools}ar" \
		OPT="$opt" CFLAGS= LDFLAGS= LIB_CFLAGS= LIB_LIBS="$libs" "$@" >&2
}

programs() {
	objects=
	for name in $names; do objects="$objects $scratch/$1/$name.o"; done
	# shellcheck disable=SC2086
	murder_make "$1" $objects "$scratch/$1/libio.a" "$scratch/$1/libcore.a"
	mains=
	for name in $names; do
		"${tools}objcopy" --redefine-sym main="${name}_main" \
			--keep-global-symbol="${name}_main" "$build/$name.o" "$build/one_$name.o"
		mains="$mains $build/one_$name.o"
	done
	# shellcheck disable=SC2086
	(cd "$here" && murder-cc -std=c11 $opt -I../murder -c -o "$build/one_murder.o" murder.c)
	# shellcheck disable=SC2086
	murder-cc -o "$build/murder" "$build/one_murder.o" $mains "$build/libio.a" "$build/libcore.a" $libs
	"${tools}strip" --strip-all --remove-section=.comment "$build/murder"
	check "$1" "$build/murder"
	install_programs "$1" "$build/murder"
}

# The unit tests and corpora, linked like the programs.
unit_tests() {
	run=
	[ -z "$(cross "$1")" ] || run=qemu-$1-static
	[ -z "$run" ] || command -v "$run" >/dev/null || die "$run is missing: apt-get install qemu-user-static"
	murder_make "$1" RUN="$run" check
}

# Fully static, within the limits, and it runs where that can be tried here.
check() {
	! "$(cross "$1")readelf" -lW "$2" | grep -q INTERP || die "$2: is not static"
	size=$(wc -c <"$2")
	gzipped=$(gzip -9nc "$2" | wc -c)
	echo "linux-$1: $size bytes ($gzipped compressed), one executable, three names"
	[ "$size" -le $max_size ] || die "linux-$1: more than $max_size bytes"
	[ "$gzipped" -le $max_gzipped ] || die "linux-$1: more than $max_gzipped bytes compressed"
}

install_programs() {
	dir=$out/linux-$1
	rm -rf "$dir.new"
	mkdir -p "$dir.new"
	install -m 755 "$2" "$dir.new/murder_client"
	ln -s murder_client "$dir.new/murder_tracker"
	ln -s murder_client "$dir.new/murder_make_torrent"
	rm -rf "$dir"
	mv "$dir.new" "$dir"
}

manifest() {
	new=$out/MANIFEST.new
	version=$(sed -n 's/.*VERSION = "\(.*\)".*/\1/p' "$top/lib/murder/version.rb")
	{
		echo "# What the programs here are, and what they are made of."
		echo "murder $version"
		for dir in "$out"/*-*/; do
			platform=$(basename "$dir")
			file=$dir/murder_client
			[ -f "$file" ] || continue
			echo "program $platform $(wc -c <"$file") sha256:$(sum "$file")"
			echo "compiler $platform $("$(cross "${platform#*-}")gcc" --version | head -n 1)"
		done
		parts | while read -r part use package plus _ _; do
			[ "$use" != test ] || continue
			echo "part $part $plus"
			grep "  ${package}_" "$here/SHA256SUMS" | while read -r sum file; do
				[ -f "$cache/sources/$file" ] || { echo "  without $file"; continue; }
				echo "  $file sha256:$sum"
			done
		done
	} >"$new"
	grep -q '^program' "$new" || { rm -f "$new"; die "$out: holds no programs: rake dist first"; }
	licences
	mv "$new" "$out/MANIFEST"
}

licences() {
	platform=$(sed -n 's/^program [a-z]*-\([^ ]*\) .*/\1/p' "$new" | head -n 1)
	libraries "$platform"
	rm -rf "$out/LICENSES.new"
	mkdir -p "$out/LICENSES.new"
	parts | while read -r part use package plus _ _; do
		[ "$use" != test ] || continue
		install -m 644 "$root/licences/$part" "$out/LICENSES.new/$part"
	done
	install -m 644 "$top/LICENSE" "$out/LICENSES.new/murder"
	cat >"$out/LICENSES.new/README" <<'EOF'
The programs beside this directory are murder (Apache-2.0, file `murder`) linked
statically with the libraries named by the other files here, which hold their
licences; MANIFEST has the versions and the checksums of the sources.
libmicrohttpd is under the LGPL: to link the programs with another version of it,
take murder's sources, change ext/static/sources and run `rake dist`.
EOF
	rm -rf "$out/LICENSES"
	mv "$out/LICENSES.new" "$out/LICENSES"
}

case ${1:-}-${2:-} in
root-x86_64 | root-aarch64)
	need_tools "$2"
	libraries "$2" >&2
	echo "$root"
	;;
programs-x86_64 | programs-aarch64) programs "$2" ;;
check-x86_64 | check-aarch64) unit_tests "$2" ;;
manifest-) manifest ;;
*) die "usage: build.sh root|programs|check x86_64|aarch64, or build.sh manifest" ;;
esac
