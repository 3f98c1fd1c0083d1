# The libraries of the static programs, for one processor, in a directory of
# their own. Called by build.sh, not by hand:
#   make -f libs.mk ARCH=x86_64 SOURCES=dir WORK=dir
# WORK/root becomes the place to compile against: include, lib, bin/murder-cc
# (a compiler for static musl programs) and licences.

ARCH ?= x86_64
HERE := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
ROOT := $(WORK)/root
HOST := $(ARCH)-linux-musl

CROSS_x86_64 :=
CROSS_aarch64 := aarch64-linux-gnu-
ifneq ($(shell uname -m),$(ARCH))
CROSS := $(CROSS_$(ARCH))
endif
KERNEL_x86_64 := /usr/include/linux /usr/include/asm-generic \
	$(firstword $(wildcard /usr/include/x86_64-linux-gnu/asm /usr/x86_64-linux-gnu/include/asm))
ifdef CROSS
KERNEL_aarch64 := $(addprefix /usr/aarch64-linux-gnu/include/,linux asm-generic asm)
else
KERNEL_aarch64 := /usr/include/linux /usr/include/asm-generic /usr/include/aarch64-linux-gnu/asm
endif

CC := $(ROOT)/bin/murder-cc
AR := $(CROSS)ar
RANLIB := $(CROSS)ranlib
# what every library is compiled with; murder-cc adds what concerns paths
LIB_OPT := -O2 -ffunction-sections -fdata-sections
CONFIGURE = ./configure --host=$(HOST) --prefix=/usr --disable-shared \
	--enable-static --disable-dependency-tracking \
	CC=murder-cc CFLAGS="$(LIB_OPT)" AR=$(AR) RANLIB=$(RANLIB) PKG_CONFIG=false
export PATH := $(ROOT)/bin:$(PATH)
export SOURCE_DATE_EPOCH := 1
export LC_ALL := C
unexport CFLAGS CPPFLAGS LDFLAGS LIBS

PARTS := $(shell awk '!/^\#/ { print $$1 }' $(HERE)sources)
part_package = $(shell awk '$$1 == "$(1)" { print $$3 }' $(HERE)sources)
part_licence = $(shell awk '$$1 == "$(1)" { print $$6 }' $(HERE)sources)

all: $(PARTS:%=$(WORK)/%.done)

# ---- unpack: upstream's files, Debian's patches over them, one date for all --
$(WORK)/%.src:
	@rm -rf $(WORK)/$* && mkdir -p $(WORK)/$* $(WORK)/$*-debian $(ROOT)/licences
	@tar -xf $(SOURCES)/$(call part_package,$*)_*.orig.tar.* --strip-components=1 -C $(WORK)/$*
	@for p in $(SOURCES)/$(call part_package,$*)_*.debian.tar.*; do \
	  [ -f "$$p" ] || continue; \
	  tar -xf $$p -C $(WORK)/$*-debian || exit 1; d=$(WORK)/$*-debian/debian/patches; \
	  [ -f $$d/series ] || continue; \
	  sed 's/[ \t]*\(#.*\)\?$$//' $$d/series | while read -r f; do [ -z "$$f" ] || \
	    patch -d $(WORK)/$* -p1 -s -f --no-backup-if-mismatch <$$d/$$f || exit 1; done || exit 1; \
	done
	@find $(WORK)/$* -exec touch -h -d @1 {} +
	@cp $(WORK)/$*/$(call part_licence,$*) $(ROOT)/licences/$*
	@touch $@

# ---- the C library and the compiler that uses it ---------------------------
$(WORK)/musl.done: $(WORK)/musl.src
	cd $(WORK)/musl && ./configure --target=$(HOST) --prefix=$(ROOT) --disable-shared \
	  --disable-wrapper CC=$(CROSS)gcc AR=$(AR) RANLIB=$(RANLIB) \
	  CFLAGS="-O2 -fPIE -ffile-prefix-map=$(WORK)=/murder -ffunction-sections -fdata-sections"
	$(MAKE) -C $(WORK)/musl AR=$(AR) RANLIB=$(RANLIB) install-headers install-libs
	cp -r $(KERNEL_$(ARCH)) $(ROOT)/include/
	mkdir -p $(ROOT)/bin
	sed -e 's|@GCC@|$(CROSS)gcc|' $(HERE)murder-cc.in > $(CC)
	chmod 755 $(CC)
	@touch $@

$(filter-out $(WORK)/musl.done,$(PARTS:%=$(WORK)/%.done)): $(WORK)/musl.done

# ---- headers only ----------------------------------------------------------
$(WORK)/uthash.done: $(WORK)/uthash.src
	cp $(WORK)/uthash/src/ut*.h $(ROOT)/include/
	@touch $@

# ---- compression -----------------------------------------------------------
# zlib and zstd as Debian compiles them; with -O2, packing took 15 % longer
ZLIB_x86_64 := -DUNALIGNED_OK
$(WORK)/zlib.done: $(WORK)/zlib.src
	cd $(WORK)/zlib && CC=murder-cc AR=$(AR) RANLIB=$(RANLIB) \
	  CFLAGS="$(LIB_OPT) -O3 $(ZLIB_$(ARCH))" ./configure --static --prefix=/usr
	$(MAKE) -C $(WORK)/zlib libz.a
	cp $(WORK)/zlib/zlib.h $(WORK)/zlib/zconf.h $(ROOT)/include/
	cp $(WORK)/zlib/libz.a $(ROOT)/lib/
	@touch $@

$(WORK)/bzip2.done: $(WORK)/bzip2.src
	$(MAKE) -C $(WORK)/bzip2 CC=murder-cc AR=$(AR) RANLIB=$(RANLIB) \
	  CFLAGS="$(LIB_OPT) -D_FILE_OFFSET_BITS=64" libbz2.a
	cp $(WORK)/bzip2/bzlib.h $(ROOT)/include/
	cp $(WORK)/bzip2/libbz2.a $(ROOT)/lib/
	@touch $@

$(WORK)/zstd.done: $(WORK)/zstd.src
	$(MAKE) -C $(WORK)/zstd/lib CC=murder-cc AR=$(AR) CFLAGS="$(LIB_OPT) -O3" \
	  ZSTD_LIB_DICTBUILDER=0 ZSTD_LIB_DEPRECATED=0 ZSTD_LEGACY_SUPPORT=0 libzstd.a
	cp $(WORK)/zstd/lib/zstd.h $(WORK)/zstd/lib/zstd_errors.h $(ROOT)/include/
	cp $(WORK)/zstd/lib/libzstd.a $(ROOT)/lib/
	@touch $@

# reading only: murder packs no xz
XZ_WITHOUT := encoders xz xzdec lzmadec lzmainfo lzma-links scripts doc nls microlzma lzip-decoder \
	threads
$(WORK)/xz.done: $(WORK)/xz.src
	cd $(WORK)/xz && $(CONFIGURE) $(XZ_WITHOUT:%=--disable-%)
	$(MAKE) -C $(WORK)/xz/src/liblzma liblzma.la
	cp -r $(WORK)/xz/src/liblzma/api/lzma.h $(WORK)/xz/src/liblzma/api/lzma $(ROOT)/include/
	cp $(WORK)/xz/src/liblzma/.libs/liblzma.a $(ROOT)/lib/
	@touch $@

# ---- SHA-1 at full speed: libcrypto with its assembler ---------------------
$(WORK)/openssl.done: $(WORK)/openssl.src
	cd $(WORK)/openssl && CC=murder-cc AR=$(AR) RANLIB=$(RANLIB) ./Configure \
	  linux-$(ARCH) --prefix=/usr --openssldir=/etc/ssl --libdir=lib \
	  no-shared no-tests no-engine no-dso no-module no-legacy no-deprecated no-comp \
	  no-async no-ui-console no-cms no-ts no-ct no-ocsp no-srp no-ssl3 no-tls1 \
	  no-tls1_1 no-dtls no-aria no-bf no-camellia no-cast no-des no-idea \
	  no-md4 no-mdc2 no-rc2 no-rc4 no-rmd160 no-seed no-sm2 no-sm3 no-sm4 \
	  no-whirlpool no-gost no-siphash no-scrypt no-dsa no-afalgeng \
	  no-makedepend -ffunction-sections -fdata-sections
	$(MAKE) -C $(WORK)/openssl build_generated
	$(MAKE) -C $(WORK)/openssl libcrypto.a
	cp -r $(WORK)/openssl/include/openssl $(ROOT)/include/
	cp $(WORK)/openssl/libcrypto.a $(ROOT)/lib/
	@touch $@

# ---- loop, HTTP out, HTTP in, archives -------------------------------------
UV_FILES := $(addprefix src/,fs-poll idna inet random strscpy strtok threadpool timer \
	uv-common uv-data-getter-setters version) $(addprefix src/unix/,async core dl fs \
	getaddrinfo getnameinfo loop-watcher loop pipe poll process random-devurandom signal \
	stream tcp thread tty udp proctitle linux-core linux-inotify linux-syscalls procfs-exepath \
	random-getrandom random-sysctl-linux epoll)
$(WORK)/libuv.done: $(WORK)/libuv.src
	cd $(WORK)/libuv && murder-cc $(LIB_OPT) -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
	  -D_LARGEFILE_SOURCE -Iinclude -Isrc -c $(UV_FILES:=.c)
	cd $(WORK)/libuv && $(AR) rcsD libuv.a $(notdir $(UV_FILES:=.o))
	cp -r $(WORK)/libuv/include/uv.h $(WORK)/libuv/include/uv $(ROOT)/include/
	cp $(WORK)/libuv/libuv.a $(ROOT)/lib/
	@touch $@

CURL_OFF := ftp file ldap ldaps rtsp dict telnet tftp pop3 imap smb smtp gopher mqtt manual \
	libcurl-option sspi crypto-auth ntlm ntlm-wb tls-srp cookies doh mime dateparse netrc \
	progress-meter dnsshuffle alt-svc headers-api hsts websockets libgcc unix-sockets \
	get-easy-options ares
CURL_WITHOUT := ssl zlib brotli zstd libpsl libidn2 nghttp2 nghttp3 ngtcp2 librtmp libssh2 \
	libgsasl ca-bundle ca-path
$(WORK)/libcurl.done: $(WORK)/libcurl.src
	cd $(WORK)/libcurl && $(CONFIGURE) --enable-http --enable-ipv6 --enable-threaded-resolver \
	  $(CURL_OFF:%=--disable-%) $(CURL_WITHOUT:%=--without-%)
	$(MAKE) -C $(WORK)/libcurl/lib libcurl.la
	cp -r $(WORK)/libcurl/include/curl $(ROOT)/include/
	cp $(WORK)/libcurl/lib/.libs/libcurl.a $(ROOT)/lib/
	@touch $@

$(WORK)/libmicrohttpd.done: $(WORK)/libmicrohttpd.src
	cd $(WORK)/libmicrohttpd && $(CONFIGURE) --disable-https --disable-doc --disable-examples \
	  --disable-curl --disable-postprocessor --disable-dauth --disable-bauth --disable-httpupgrade \
	  --enable-epoll
	$(MAKE) -C $(WORK)/libmicrohttpd/src/microhttpd libmicrohttpd.la
	cp $(WORK)/libmicrohttpd/src/include/microhttpd.h $(ROOT)/include/
	cp $(WORK)/libmicrohttpd/src/microhttpd/.libs/libmicrohttpd.a $(ROOT)/lib/
	@touch $@

$(WORK)/libarchive.done: $(WORK)/libarchive.src $(WORK)/zlib.done $(WORK)/bzip2.done \
    $(WORK)/xz.done $(WORK)/zstd.done
	cd $(WORK)/libarchive && $(CONFIGURE) --disable-bsdtar --disable-bsdcpio --disable-bsdcat \
	  --disable-acl --disable-xattr --with-zlib --with-bz2lib --with-lzma --with-zstd \
	  $(addprefix --without-,lz4 lzo2 cng nettle openssl mbedtls xml2 expat libb2)
	$(MAKE) -C $(WORK)/libarchive libarchive.la
	cp $(WORK)/libarchive/libarchive/archive.h $(WORK)/libarchive/libarchive/archive_entry.h \
	  $(ROOT)/include/
	cp $(WORK)/libarchive/.libs/libarchive.a $(ROOT)/lib/
	@touch $@

# ---- for the unit tests ----------------------------------------------------
# (its header would define uintptr_t itself, wrongly with musl on aarch64)
$(WORK)/cmocka.done: $(WORK)/cmocka.src
	cd $(WORK)/cmocka/include && sed -i '1i #include <stdint.h>\n#define _UINTPTR_T_DEFINED' cmocka.h
	cd $(WORK)/cmocka && murder-cc $(LIB_OPT) -DHAVE_SIGNAL_H -DHAVE_MALLOC_H -DHAVE_INTTYPES_H \
	  -DHAVE_STDINT_H -DHAVE_STRINGS_H -DHAVE_UNISTD_H -DHAVE_SETJMP_H -DHAVE_STRSIGNAL \
	  -DHAVE_CLOCK_GETTIME -DHAVE_CLOCK_GETTIME_REALTIME -DHAVE_STRUCT_TIMESPEC \
	  -Iinclude -c src/cmocka.c
	cd $(WORK)/cmocka && $(AR) rcsD $(ROOT)/lib/libcmocka.a cmocka.o
	cp $(WORK)/cmocka/include/cmocka*.h $(ROOT)/include/
	@touch $@

.PHONY: all
.SECONDARY:
