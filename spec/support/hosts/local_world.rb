# frozen_string_literal: true

require "socket"
require_relative "errors"

module Hosts
  # In place of a World where namespaces are not allowed: the machine's own
  # network, files and processes. The hosts share an address range, so that
  # every run has ports of its own.
  class LocalWorld
    NET = "127.0.0"
    # sshd started by root wants it; Debian's service makes it at boot.
    PRIVSEP = "/run/sshd"

    # @return [String] whether sshd lets root in by PAM alone: with a locked
    #   password, root may come in, but not past sshd's own check
    def self.pam
      return "no" unless Process.uid.zero?

      File.foreach("/etc/shadow").any? { |line| line.start_with?("root:!") } ? "yes" : "no"
    end

    # A port that nobody listens on, on whatever address; `wish` if it is free.
    def self.free_port(wish = 0)
      TCPServer.open("0.0.0.0", wish) { |server| server.local_address.ip_port }
    rescue Errno::EADDRINUSE
      free_port
    end

    attr_reader :kind, :port, :environment

    def initialize(workdir, kind:, **)
      @kind = kind
      @port = self.class.free_port
      @tmp = workdir.mkdir("control", "tmp")
      # Gems are found as before though the home is another.
      @environment = { "HOME" => File.dirname(@tmp), "TMPDIR" => @tmp, "GEM_PATH" => Gem.path.join(":") }
      @made = Process.uid.zero? && make_privsep
    end

    def prefix = []

    # argv prefix: what it starts dies with whoever started it.
    def leash
      %w[setpriv --pdeathsig KILL --]
    end

    def temp
      Dir.children(@tmp)
    end

    def path(name)
      name
    end

    def pids
      []
    end

    # There are no links to make or to wait for.
    def ip(*) = nil
    def wait_forwarding(*) = nil

    def close
      Dir.rmdir(PRIVSEP) if @made
      @made = false
    rescue SystemCallError
      nil # somebody else's now
    end

    def shape(*)
      raise Error, "links cannot be shaped without namespaces"
    end
    alias unshape shape

    private

    def make_privsep
      Dir.mkdir(PRIVSEP, 0o755)
      true
    rescue Errno::EEXIST
      false
    end
  end
end
