# frozen_string_literal: true

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

    # Writes the archive: the same files give the same bytes.
    #
    # @param path [String]
    # @return [String] path
    def write(path)
      Zlib::GzipWriter.open(path) do |gzip|
        gzip.mtime = 1
        Gem::Package::TarWriter.new(gzip) { |tar| add_programs(tar) }
      end
      path
    end

    private

    # One binary under several names is sent once.
    def add_programs(tar)
      seen = {}
      Programs::NAMES.each do |name|
        file = File.realpath(File.join(@directory, name))
        stat = File.stat(file)
        first = seen[[stat.dev, stat.ino]] ||= name
        next tar.add_symlink(name, first, 0o755) unless first == name

        tar.add_file_simple(name, 0o755, stat.size) { |entry| IO.copy_stream(file, entry) }
      end
    end
  end
end
