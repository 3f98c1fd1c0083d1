# frozen_string_literal: true

require_relative "processes"
require_relative "shell"

module Hosts
  # A command under way on the control host or on a host. `pid` is its own pid,
  # as seen from outside, not that of the nsenter around it.
  class Job
    attr_reader :argv, :log

    # Starts `prefix + argv` in a session of its own, its words going to `log`.
    def initialize(prefix, argv, log:, env: {})
      @argv = argv
      @log = log
      options = { in: File::NULL, %i[out err] => [log, "w"], pgroup: true }
      @wrapped = prefix.any?
      @outer = Process.spawn(env, *prefix, *argv, **options)
    end

    def pid
      @pid ||= @wrapped ? Processes.child(@outer) || @outer : @outer
    end

    # Everything it said so far.
    def text
      File.read(@log).scrub
    end

    # Ctrl-C at its terminal: the whole foreground group gets SIGINT.
    def interrupt
      Process.kill(:INT, -pid)
    end

    def kill(signal = :KILL)
      Process.kill(signal, -pid) if running?
    rescue Errno::ESRCH
      nil
    end

    def running?
      return false unless @status.nil?

      _, status = Process.wait2(@outer, Process::WNOHANG)
      @status = Shell.code(status) unless status.nil?
      @status.nil?
    end

    # Waits for its end and gives its status; raises when that takes too long.
    def wait(timeout: 120)
      deadline = Processes.now + timeout
      while running?
        if Processes.now > deadline
          kill
          raise Error, "#{argv.join(" ")}: not ended after #{timeout} s; it said:\n#{text}"
        end
        sleep 0.01
      end
      @status
    end

    # Waits until it has said something that matches.
    def wait_for(pattern, timeout: 60)
      deadline = Processes.now + timeout
      loop do
        ended = !running?
        return if text.match?(pattern)
        raise Error, "#{argv.join(" ")}: ended without #{pattern.inspect}:\n#{text}" if ended
        raise Error, "#{argv.join(" ")}: no #{pattern.inspect}:\n#{text}" if Processes.now > deadline

        sleep 0.01
      end
    end
  end
end
