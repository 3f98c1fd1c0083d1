# frozen_string_literal: true

# Finds the libraries the programs need and writes config.mk, which the
# Makefile beside this file reads. RubyGems runs it before `make` and
# `make install`; in a checkout it is not needed (the Makefile asks pkg-config
# itself).

require "open3"
require "rbconfig"

# Package, least version, what it is for, Debian package.
LIBRARIES = [
  ["libuv", "1.38", "the event loop", "libuv1-dev"],
  ["libcurl", "7.68", "announces", "libcurl4-openssl-dev"],
  ["libarchive", "3.4", "archives", "libarchive-dev"],
  ["libmicrohttpd", "0.9.70", "the tracker", "libmicrohttpd-dev"],
  ["libcrypto", "3.0", "SHA-1", "libssl-dev"],
  ["zlib", "1.2.11", "gzip", "zlib1g-dev"]
].freeze
# Headers without a .pc file.
HEADERS = [["uthash.h", "uthash-dev"]].freeze

def give_up(reason, packages)
  abort <<~TEXT
    murder: #{reason}
    On Debian and Ubuntu: apt-get install #{packages.uniq.join(" ")}
    On Fedora and its kin: dnf install gcc make pkgconf libuv-devel libcurl-devel libarchive-devel libmicrohttpd-devel openssl-devel zlib-devel uthash-devel
  TEXT
end

def works?(*command, stdin: "")
  _, status = Open3.capture2e(*command, stdin_data: stdin)
  status.success?
rescue Errno::ENOENT
  false
end

def read(*command)
  output, status = Open3.capture2(*command)
  abort "murder: #{command.join(" ")} failed" unless status.success?
  output.strip
end

cc = ENV.fetch("CC", "cc")
pkg_config = ENV.fetch("PKG_CONFIG", "pkg-config")
give_up("no C compiler (#{cc})", ["build-essential"]) unless works?(cc, "--version")
give_up("no pkg-config (#{pkg_config})", ["pkg-config"]) unless works?(pkg_config, "--version")

missing = LIBRARIES.reject { |name, version,| works?(pkg_config, "--atleast-version=#{version}", name) }
unless missing.empty?
  list = missing.map { |name, version, use,| "#{name} >= #{version} (#{use})" }.join(", ")
  give_up("these libraries are missing: #{list}", missing.map(&:last))
end
missing = HEADERS.reject { |header,| works?(cc, "-E", "-xc", "-o", File::NULL, "-", stdin: "#include <#{header}>\n") }
give_up("these headers are missing: #{missing.map(&:first).join(", ")}", missing.map(&:last)) unless missing.empty?

names = LIBRARIES.map(&:first)
# RubyGems asks for an installation into a directory of its own, always a
# relative one; otherwise the Makefile's default stands.
target = RbConfig::CONFIG["sitearchdir"].to_s
File.write(File.join(__dir__, "config.mk"), <<~MAKE)
  # Written by extconf.rb.
  LIB_CFLAGS = #{read(pkg_config, "--cflags", *names)}
  LIB_LIBS = #{read(pkg_config, "--libs", *names)}
  #{"sitearchdir ?= #{target}" if target.start_with?(".")}
MAKE
puts "murder: #{names.map { |name| "#{name} #{read(pkg_config, "--modversion", name)}" }.join(", ")}"
