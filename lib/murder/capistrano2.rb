# frozen_string_literal: true

require "capistrano/configuration"
require "capistrano/errors"
require "net/ssh"
require_relative "adapter"
require_relative "capistrano2/default_role"
require_relative "capistrano2/find_strategy"
require_relative "capistrano2/servers"
require_relative "hosts"
require_relative "options"
require_relative "tasks"
require_relative "transfer"

module Murder
  # Murder in Capistrano 2: defines the variables, roles and tasks in a
  # configuration, and runs the tasks' bodies. {Servers} is the way to the
  # hosts.
  class Capistrano2
    include Adapter
    include Servers

    # Where a configuration keeps its adapter.
    VARIABLE = :murder_adapter
    # What Ruby prints before an Interrupt's message.
    CAP = ["cap"].freeze
    private_constant :CAP

    # @param config [::Capistrano::Configuration]
    # @return [Capistrano2] the adapter of that configuration; sets everything up the first time
    def self.install(config)
      return config.fetch(VARIABLE) if config.exists?(VARIABLE)

      new(config).tap do |adapter|
        config.set(VARIABLE, adapter)
        adapter.define
      end
    end

    def initialize(config)
      @config = config
      @unreachable = []
    end

    # Defines variables, roles and tasks.
    def define
      define_variables
      define_roles
      adapter = self
      config.namespace(:murder) do
        Tasks::ALL.each do |row|
          task(row.name, roles: row.roles, desc: row.description) { adapter.perform(row) }
        end
      end
    end

    # Turns murder's errors into Capistrano's, which `cap` prints as one text
    # and exits with 1; Ctrl-C becomes one line.
    def translated
      yield
    rescue CommandError => e
      raise ::Capistrano::CommandError, e.message
    rescue Error => e
      raise ::Capistrano::Error, e.message
    rescue Interrupt => e
      # Capistrano lets Ruby tell it, with 50 lines of where it was
      raise told(e).tap { |one| one.set_backtrace(CAP) }, cause: nil
    end

    # Runs another task with its hooks.
    def invoke(task)
      config.find_and_execute_task("murder:#{task}")
    end

    def dry_run?
      config.dry_run
    end

    def info(text)
      config.logger.info(text, "murder")
    end

    private

    attr_reader :config

    def define_variables
      Options::VARIABLES.each do |row|
        config.set(row.name, row.default) unless row.default.nil? || config.exists?(row.name)
      end
      return if config.exists?(:remote_murder_path)

      config = self.config
      config.set(:remote_murder_path) { "#{config.fetch(:shared_path)}/murder" if config.exists?(:shared_path) }
    end

    def define_roles
      roles = config.roles
      default_role(:peer) { Hosts.peers(roles) { |server| server.options[:no_release] } }
      default_role(:tracker) { Hosts.first(roles[:peer].servers) }
      default_role(:seeder) { Hosts.first(roles[:peer].servers) }
    end

    def default_role(name, &default)
      config.roles[name] = DefaultRole.new(config.roles[name], &default)
    end

    def variable(name)
      config.fetch(name, nil)
    end

    def set(name, value)
      config.set(name, value)
    end

    # The old connections may have been cut in mid-packet, and closing them ends
    # whatever still runs in their foreground.
    def interrupted
      drop_connections(config.sessions.keys)
    end

    def warn(text)
      config.logger.important(text, "murder")
    end
  end
end
