# frozen_string_literal: true

require_relative "operator"

module Hosts
  # Somebody who runs cap of Capistrano 3: a Capfile, config/deploy.rb and the
  # stage `production`, which every call is for.
  class Operator3 < Operator
    STAGE = "production"

    # @param capfile [String] what stands below `require "capistrano/setup"`
    # @param deploy [String] config/deploy.rb
    # @param servers [Array<String>] the lines of config/deploy/production.rb
    def initialize(fleet, name, capfile, deploy, servers)
      super(fleet, name, capfile)
      FileUtils.mkdir_p(File.join(dir, "config/deploy"))
      self.deploy = deploy
      self.servers = servers
    end

    def deploy=(text)
      File.write(File.join(dir, "config/deploy.rb"), text)
    end

    def servers=(lines)
      options = fleet.ssh_options.merge(user: fleet.hosts.first.user)
      text = [*lines, "set :ssh_options, #{options.inspect}"].join("\n")
      File.write(File.join(dir, "config/deploy/#{STAGE}.rb"), text)
    end

    # The first lines of the Capfile.
    def connection
      "$LOAD_PATH.unshift #{File.join(ROOT, "lib").inspect}\nrequire \"capistrano/setup\"\n"
    end

    private

    def command(arguments)
      super([STAGE, *arguments])
    end
  end
end
