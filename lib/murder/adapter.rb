# frozen_string_literal: true

require "English"
require "socket"
require_relative "errors"
require_relative "options"

module Murder
  # What the adapters for Capistrano 2 and 3 have in common: how a task is run
  # and how a transfer ends. The adapter gives
  #   translated { }       its Capistrano's errors for murder's
  #   variable(name)       the value or nil
  #   set(name, value)
  #   warn(text)
  #   interrupted          makes way for new connections after Ctrl-C
  module Adapter
    # A host that answers nothing for so many seconds is lost: idle time,
    # probes' interval and number. Without them a host that loses its power
    # would keep Capistrano waiting for ever.
    # TCP_KEEPALIVE is macOS's name for the idle time. No probe is sent while
    # something of ours is unacknowledged: TCP_USER_TIMEOUT (milliseconds) ends
    # that, where the kernel itself tries for a quarter of an hour.
    KEEPALIVE = { TCP_KEEPIDLE: 20, TCP_KEEPALIVE: 20, TCP_KEEPINTVL: 5, TCP_KEEPCNT: 4, TCP_USER_TIMEOUT: 40_000 }
                .select { |name, _| Socket.const_defined?(name) }.freeze
    # What Ctrl-C is told as. Whoever presses it while cleaning up gets a word
    # for it, and is taken at it when it comes once more.
    INTERRUPTED = "interrupted: what was begun has been ended"
    PATIENCE = "murder: still cleaning up on the hosts; Ctrl-C once more leaves there what is left\n"
    private_constant :KEEPALIVE, :INTERRUPTED, :PATIENCE

    # Runs a task's body.
    def perform(task)
      translated do
        options = read_options(task.needs)
        publish(options)
        task.body.call(self, options)
      end
    rescue StandardError => e
      raise unless cleaning?

      # At the end of a transfer the hooks after a stop must run all the same.
      problem(e)
    end

    # @return [Options] for a task that needs these values
    def read_options(needs = [])
      Options.new(variables: ->(name) { variable(name) }, arguments: ENV, forced: @forced || {}, needs: needs)
    end

    # Runs the block with these values in place of arguments and variables.
    def with(forced)
      before = @forced
      @forced = forced
      yield
    ensure
      @forced = before
    end

    # Notes a failure and goes on.
    def attempt
      yield
    rescue StandardError, SystemExit => e
      problem(e)
    end

    # Runs the block as the end of a transfer. After Ctrl-C it begins with new
    # connections.
    #
    # @return [Array<Exception>] what went wrong in it
    def cleaning
      before = @problems
      patiently do
        interrupted if before.nil? && $ERROR_INFO.is_a?(SignalException)
        @problems = []
        yield
        @problems
      end
    ensure
      @problems = before
    end

    def cleaning?
      !@problems.nil?
    end

    private

    # Runs the block through one Ctrl-C: a second one, pressed because the first
    # takes a moment, would leave on the hosts what the first came to end. Who
    # has a handler of his own keeps it.
    def patiently
      pressed = 0
      before = trap(:INT) do
        pressed += 1
        raise Interrupt, left_behind, cause: nil if pressed > 1

        $stderr.write(PATIENCE)
      end || "SYSTEM_DEFAULT"
      trap(:INT, before) unless before == "DEFAULT"
      yield
    ensure
      trap(:INT, before) if before
    end

    # @return [Interrupt] one that says in a line what became of what was begun
    def told(interrupt)
      interrupt.message.start_with?("interrupted") ? interrupt : Interrupt.new(INTERRUPTED)
    end

    def left_behind
      "interrupted while cleaning up: hosts may still run or hold what was begun: murder:stop_all_peering, " \
        "murder:stop_all_seeding, murder:clean_temp_files tag=#{variable(:tag)} and murder:stop_tracker end that"
    end

    # Has the kernel notice when the other end is gone.
    #
    # @param session [Net::SSH::Connection::Session]
    def watch(session)
      socket = session.transport.socket
      return unless socket.is_a?(BasicSocket) && socket.remote_address.ip? # but a proxy command's pipe

      socket.setsockopt(Socket::SOL_SOCKET, Socket::SO_KEEPALIVE, true)
      KEEPALIVE.each { |name, value| socket.setsockopt(Socket::IPPROTO_TCP, Socket.const_get(name), value) }
    end

    # The original left the transfer's tag and archive in these variables;
    # hooks read them.
    def publish(options)
      return if options.tag.nil?

      set(:tag, options.tag)
      set(:filename, options.archive)
    end

    def problem(error)
      warn("while cleaning up: #{error.message}")
      @problems << error if cleaning?
      nil
    end
  end
end
