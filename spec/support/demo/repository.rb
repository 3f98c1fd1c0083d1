# frozen_string_literal: true

require "fileutils"
require_relative "../hosts/shell"

module Demo
  # Something to deploy when the user names nothing: a git repository of about
  # 100 MB in a few thousand files, made in three commits. The same every time.
  class Repository
    FILES = 3000
    BYTES = 100 << 20
    SETTINGS = %w[-c user.name=Demo -c user.email=demo@example.org -c core.looseCompression=0 -c core.fsync=none
                  -c gc.auto=0].freeze

    attr_reader :path

    def self.make(path)
      new(path).tap(&:make)
    end

    def initialize(path)
      @path = path
      @random = Random.new(1)
    end

    def make
      git("init", "--quiet", "--initial-branch=main")
      FILES.times { |number| write(number) }
      File.write(file(".gitignore"), "*.log\n")
      FileUtils.ln_s("dir00/file0000", file("first"))
      commit("All files")
      (50...FILES).step(100) { |number| write(number) }
      FileUtils.chmod(0o755, file(name(7)))
      commit("Change every hundredth")
      FileUtils.rm(file(name(FILES - 1)))
      File.write(file("name with spaces & 'quotes'"), "x\n")
      commit("Remove one, add one")
    end

    private

    # Sizes from 1 KiB to 4 MiB, most of them small, as in real trees.
    def write(number)
      path = file(name(number))
      FileUtils.mkdir_p(File.dirname(path))
      File.binwrite(path, @random.bytes(size(number)))
    end

    def size(number)
      return 4 << 20 if (number % 200).zero?

      number % 50 == 1 ? 256 << 10 : 1024 + ((number * 7919) % (2 * average))
    end

    # So that all of them together are about BYTES.
    def average
      large = (FILES / 200 * (4 << 20)) + (FILES / 50 * (256 << 10))
      (BYTES - large) / FILES
    end

    def name(number)
      Kernel.format("dir%<dir>02d/file%<number>04d", dir: number % 60, number: number)
    end

    def file(name)
      File.join(@path, name)
    end

    def commit(message)
      git("add", "--all")
      git("commit", "--quiet", "--message", message)
    end

    def git(*arguments)
      FileUtils.mkdir_p(@path)
      Hosts::Shell.run!("git", *SETTINGS, *arguments, chdir: @path)
    end
  end
end
