# frozen_string_literal: true

require "digest"
require "rubygems/package"
require "zlib"
require_relative "errors"
require_relative "programs"

module Murder
  # What `distribute_files` sends to the hosts of one platform: the contents of
  # dist/<os>-<cpu>, or on this machine's platform what was compiled here, as
  # a .tgz.
  class Payload
    attr_reader :platform

    # @param platform [String] such as "linux-x86_64"
    # @raise [ProgramsError] when nobody has built the programs for it
    def initialize(platform)
      @platform = platform
      @directory = Programs.directory(platform)
    end

    # Writes the archive.
    #
    # @param path [String]
    # @return [String] path
    def write(path)
      Zlib::GzipWriter.open(path, Zlib::BEST_COMPRESSION) do |gzip|
        gzip.mtime = 1
        Gem::Package::TarWriter.new(gzip) { |tar| add_programs(tar) }
      end
      path
    end

    # @return [Array<String>] what {Commands#inventory} prints, after the
    #   platform, on a host that has exactly these files and can run them
    def inventory
      sums = Programs::NAMES.map { |name| "#{Digest::SHA256.file(file(name)).hexdigest}  #{name}" }
      [*sums, Programs::NAMES.size.to_s, "runs"]
    end

    # @return [Integer] what a host's disk must take: the programs, and the
    #   archive, which is less than half as large
    def kilobytes
      (Programs::NAMES.map { |name| file(name) }.uniq.sum { |one| File.size(one) } * 3 / 2048) + 64
    end

    private

    def file(name)
      File.realpath(Programs.file(@directory, name))
    end

    # One binary under several names is sent once.
    def add_programs(tar)
      seen = {}
      Programs::NAMES.each do |name|
        stat = File.stat(file(name))
        first = seen[[stat.dev, stat.ino]] ||= name
        next tar.add_symlink(name, first, 0o755) unless first == name

        tar.add_file_simple(name, 0o755, stat.size) { |entry| IO.copy_stream(file(name), entry) }
      end
    end
  end
end
