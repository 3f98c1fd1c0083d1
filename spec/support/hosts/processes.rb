# frozen_string_literal: true

module Hosts
  # Facts about processes, from /proc.
  module Processes
    module_function

    # The start of a process in clock ticks after boot, which with its pid names it
    # for good; nil when there is no such process or it only waits to be reaped.
    def start(pid)
      fields = stat(pid)
      fields[19] unless fields.nil? || fields[0] == "Z"
    end

    # Whether that very process, not a later one with its pid, still runs.
    def alive?(pid, start)
      !pid.nil? && !start.nil? && start(pid) == start
    end

    # Changes with every boot of the machine.
    def boot_id
      File.read("/proc/sys/kernel/random/boot_id").strip
    end

    # The first child of a process, waited for; nil when it does not come.
    def child(pid, timeout: 10)
      deadline = now + timeout
      until now > deadline
        found = children(pid).first
        return found unless found.nil?
        return nil if start(pid).nil?

        sleep 0.005
      end
    end

    # The pids of the children of a process.
    def children(pid)
      listed = Dir.glob("/proc/#{pid}/task/*/children")
      return scan(pid) if listed.empty?

      listed.flat_map { |file| File.read(file).split.map(&:to_i) }
    rescue Errno::ENOENT, Errno::ESRCH
      []
    end

    # Every process in the same pid namespace, that process too, but for those
    # that only wait to be reaped: [[pid there, command], …].
    def beside(pid)
      namespace = File.readlink("/proc/#{pid}/ns/pid")
      Dir.glob("/proc/[0-9]*").filter_map do |dir|
        next unless link("#{dir}/ns/pid") == namespace

        command = File.read("#{dir}/cmdline").scrub.tr("\0", " ").strip
        [File.read("#{dir}/status")[/^NSpid:.*\s(\d+)$/, 1].to_i, command] unless command.empty?
      rescue Errno::ENOENT, Errno::ESRCH
        next
      end
    end

    # A process and all that came from it, parents first.
    def tree(pid)
      [pid] + children(pid).flat_map { |child| tree(child) }
    end

    # The same without /proc/PID/task/TID/children, which not every kernel has.
    def scan(pid)
      Dir.glob("/proc/[0-9]*").map { |dir| File.basename(dir).to_i }
         .select { |other| stat(other)&.at(1) == pid.to_s }
    end

    # The fields after the command's name, which may itself hold spaces.
    def stat(pid)
      File.read("/proc/#{pid}/stat").rpartition(")").last.split
    rescue Errno::ENOENT, Errno::ESRCH
      nil
    end

    # Where a link in /proc leads; nil when it is gone.
    def link(path)
      File.readlink(path)
    rescue SystemCallError
      nil
    end

    # [["socket:[123]", port], …] of this network's listening TCP sockets.
    def listeners
      lines = %w[tcp tcp6].flat_map { |name| File.readlines("/proc/net/#{name}") }.map(&:split)
      lines.select { |line| line[3] == "0A" }.map { |line| ["socket:[#{line[9]}]", line[1].split(":").last.hex] }
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
