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
    # @return [String] where the archive is
    attr_reader :path

    # Writes the archive.
    #
    # @param platform [String] such as "linux-x86_64"
    # @param path [String] for the archive
    # @raise [ProgramsError] when nobody has built the programs for it
    def initialize(platform, path)
      @directory = Programs.directory(platform)
      @path = path
      write
    end

    # @return [Array<String>] what {Commands#inventory} prints, after the
    #   platform, on a host that has exactly these files and can run them
    def inventory
      sums = Programs::NAMES.map { |name| "#{Digest::SHA256.file(file(name)).hexdigest}  #{name}" }
      [*sums, Programs::NAMES.size.to_s, "runs"]
    end

    # @return [Integer] what a host's disk must take, archive and programs
    def kilobytes
      files = Programs::NAMES.map { |name| file(name) }.uniq
      ([path, *files].sum { |one| File.size(one) } / 1024) + 64
    end

    private

    def file(name)
      File.realpath(File.join(@directory, name))
    end

    def write
      Zlib::GzipWriter.open(path, Zlib::BEST_COMPRESSION) do |gzip|
        gzip.mtime = 1
        Gem::Package::TarWriter.new(gzip) { |tar| add_programs(tar) }
      end
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
