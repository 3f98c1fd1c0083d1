# frozen_string_literal: true

require "fileutils"
require_relative "shell"

module Hosts
  # SSH keys made on the spot: one for the operator, one for each host.
  class Keys
    attr_reader :operator, :known_hosts

    def initialize(workdir)
      dir = workdir.mkdir("keys")
      @operator = generate(File.join(dir, "operator"), "operator")
      @known_hosts = File.join(dir, "known_hosts")
      File.write(@known_hosts, "")
    end

    # Puts the host's key and whom it lets in into `dir`, and makes it known.
    def equip(dir, name, *addresses, port: 22)
      key = File.join(dir, "host_key")
      generate(key, name) unless File.exist?(key)
      FileUtils.cp("#{@operator}.pub", File.join(dir, "authorized_keys"))
      shown = [name, *addresses].map { |host| port == 22 ? host : "[#{host}]:#{port}" }
      public_key = File.read("#{key}.pub").split.first(2).join(" ")
      File.write(@known_hosts, "#{shown.join(",")} #{public_key}\n", mode: "a")
    end

    private

    # ECDSA: made in no time, and net-ssh needs no further gem for it. As PEM:
    # from OpenSSH's own format net-ssh does not get the private half.
    def generate(path, name)
      Shell.run!("ssh-keygen", "-q", "-t", "ecdsa", "-m", "PEM", "-N", "", "-C", name, "-f", path)
      path
    end
  end
end
