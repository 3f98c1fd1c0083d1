# frozen_string_literal: true

require "etc"
require_relative "hosts/errors"
require_relative "hosts/shell"
require_relative "hosts/workdir"
require_relative "hosts/processes"
require_relative "hosts/keys"
require_relative "hosts/job"
require_relative "hosts/world"
require_relative "hosts/host"
require_relative "hosts/local_world"
require_relative "hosts/local_host"
require_relative "hosts/fleet"
require_relative "hosts/operator"
require_relative "hosts/operator3"
require_relative "hosts/tree"

# Hosts as real as one machine allows, for the demo and for the specs.
#
#   Hosts::Fleet.open(count: 4) do |fleet|
#     fleet.capture!("cap", "deploy")         # on the control host, which reaches all of them
#     fleet.hosts.first.sh!("ls /srv")        # on a host, without SSH
#   end
#
# Everything lives in one "world": user, mount, network and pid namespaces whose
# first process is held by a pipe of ours. When the block ends, or this process
# dies in whatever way, the kernel ends every process in it and with the last one
# go the mounts, links and addresses; the machine's own are never touched. Only
# the working directory is left for the next run to remove (Workdir.reap).
#
# Every host has its own network, mount, pid, ipc and uts namespace, one link to
# the bridge, an address, an sshd, and its own /tmp, /srv, /run, /var/tmp and
# home. All else on it is the machine's, read-only. As root these are plain
# namespaces, otherwise they stand in a user namespace; where neither is allowed,
# hosts are sshds on 127.0.0.x, each with a home of its own, and what is a host's
# own is what lies below `~`.
module Hosts
  # The login of every host: whoever runs this, with home and shell.
  def self.login
    @login ||= Etc.getpwuid(Process.uid)
  end

  # What is used here: :root, :user (a user namespace), :local (no namespaces).
  # MURDER_HOSTS names one of them to try it on purpose.
  def self.kind
    @kind ||= (ENV["MURDER_HOSTS"] || detect).to_sym
  end

  def self.detect
    return :root if Process.uid.zero? && World.possible?(:root)
    return :user if World.possible?(:user)

    :local
  end
end
