# frozen_string_literal: true

require "fileutils"
require "tmpdir"
require_relative "processes"

module Hosts
  # The one directory a run owns: the hosts' disks, keys, logs. It records its
  # owner, so that a later run can remove what a killed one left, and no other.
  class Workdir
    PREFIX = "murder-hosts-"

    attr_reader :path

    # Directory of all runs: on disk rather than in memory, and never /tmp, which
    # the hosts swap for their own.
    def self.base
      ENV["MURDER_HOSTS_DIR"] || "/var/tmp"
    end

    # Removes the directories of this user whose owner is gone.
    def self.reap(base = self.base)
      Dir.glob(File.join(base, "#{PREFIX}*")).each do |path|
        next unless File.lstat(path).directory? && File.owned?(path)

        remove(path) unless Processes.alive?(*recorded_owner(path))
      rescue Errno::ENOENT
        next # somebody else's reaper was faster
      end
    end

    # The pid and start of the owner; nil, nil when it is not (yet) written: then
    # the directory counts as abandoned once it is an hour old.
    def self.recorded_owner(path)
      pid, start, boot = File.read(File.join(path, "owner")).split
      boot == Processes.boot_id ? [Integer(pid), start] : [nil, nil]
    rescue Errno::ENOENT
      young = Time.now - File.lstat(path).mtime < 3600
      young ? [Process.pid, Processes.start(Process.pid)] : [nil, nil]
    end

    # Removes a tree, also one whose directories were made unwritable.
    def self.remove(path)
      FileUtils.rm_rf(path)
      return unless File.exist?(path)

      system("chmod", "-R", "u+rwX", path, err: File::NULL)
      FileUtils.rm_rf(path)
    end

    def initialize
      @path = Dir.mktmpdir(PREFIX, self.class.base)
      @owner = Process.pid
      File.write(join("owner"), "#{@owner} #{Processes.start(@owner)} #{Processes.boot_id}\n")
    end

    def join(*names)
      File.join(@path, *names)
    end

    # Makes a directory in it and gives its path.
    def mkdir(*names)
      join(*names).tap { |dir| FileUtils.mkdir_p(dir) }
    end

    def remove
      self.class.remove(@path) if Process.pid == @owner
    end
  end
end
