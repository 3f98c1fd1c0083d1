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
      raise Error, "neither namespaces nor proot work here" unless Shell.run("proot", "true").ok?

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
  end
end
