# frozen_string_literal: true

require_relative "errors"
require_relative "shell"

module Hosts
  # In place of a World where namespaces are not allowed: the machine's own
  # network and processes. proot gives everybody a /tmp of their own.
  class LocalWorld
    # Addresses of this run's hosts start with it: others may be under way.
    attr_reader :kind, :net

    def initialize(workdir, kind:, keep: [])
      check_proot(workdir)

      @kind = kind
      @net = "127.#{rand(1..254)}.#{rand(1..254)}"
      @workdir = workdir
      @tmp = workdir.mkdir("control", "tmp")
      @keep = [*keep, workdir.path].map { |dir| File.realpath(dir) }.uniq.select { |dir| dir.start_with?("/tmp/") }
    end

    # argv prefix: with the control host's files.
    def prefix
      bindings = ["#{@tmp}:/tmp", "#{@workdir.join("hosts-file")}:/etc/hosts", *@keep.map { |dir| "#{dir}:#{dir}" }]
      ["proot", *bindings.flat_map { |binding| ["-b", binding] }]
    end

    def temp
      Dir.children(@tmp)
    end

    def path(name)
      name.start_with?("/tmp") ? File.join(@tmp, name.delete_prefix("/tmp")) : name
    end

    def pids
      []
    end

    # There are no links to make or to wait for.
    def ip(*) = nil
    def wait_forwarding(*) = nil
    def close = nil

    def shape(*)
      raise Error, "links cannot be shaped without namespaces"
    end
    alias unshape shape

    private

    # proot 5.1 does not know statx, which `ls` and `find` of today use: what it
    # swaps in, they would look for in the machine's own directories.
    def check_proot(workdir)
      return if Shell.run("proot", "-b", "#{workdir.path}:/srv", "ls", "-d", "/srv/owner").ok?

      raise Error, "hosts cannot be made: namespaces are not allowed here, and proot is missing or too old " \
                   "(it must know statx): run as root, or allow user namespaces"
    rescue Errno::ENOENT
      raise Error, "hosts cannot be made: neither namespaces nor proot are there: run as root"
    end
  end
end
