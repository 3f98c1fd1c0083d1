# frozen_string_literal: true

require "shellwords"

# Lets measurements have the machine for themselves: MURDER_BENCH_GATE is a
# command that runs another one when it may (`flock FILE`). Measurements are made
# while one it started runs; after MURDER_BENCH_TURN seconds (100) others are let
# in between two.
module Gate
  TURN = Integer(ENV.fetch("MURDER_BENCH_TURN", 100))

  class << self
    # Runs the block behind the gate.
    def around
      enter unless @io
      yield
    ensure
      leave if @io && now > @entered + TURN
    end

    # Lets others in, before a pause.
    def leave
      @io&.close
      @io = nil
    end

    private

    def enter
      command = ENV.fetch("MURDER_BENCH_GATE", "").shellsplit
      return if command.empty?

      @io = IO.popen([*command, "sh", "-c", "echo open; exec cat"], "r+")
      raise "#{command.join(" ")}: does not run what it is given" unless @io.gets == "open\n"

      @entered = now
    end

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end
