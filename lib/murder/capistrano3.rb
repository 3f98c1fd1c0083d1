# frozen_string_literal: true

require "capistrano/plugin"
require_relative "adapter"
require_relative "capistrano3/servers"
require_relative "hosts"
require_relative "tasks"
require_relative "transfer"

module Murder
  # Murder in Capistrano 3: defines the variables and tasks, and runs the tasks'
  # bodies. {Servers} is the way to the hosts. There is one, as Capistrano has
  # one configuration.
  class Capistrano3
    include Adapter
    include Servers

    # Without an application Capistrano makes this of its deploy_to.
    NO_APPLICATION = "/var/www/"
    private_constant :NO_APPLICATION

    # @return [Capistrano3] the adapter of the current configuration
    def self.current
      env = ::Capistrano::Configuration.env
      @current = new(env) unless @current&.env.equal?(env)
      @current
    end

    attr_reader :env

    def initialize(env)
      @env = env
    end

    # For `set_defaults` of a plugin: what the user has not set.
    def define_variables
      [*Options::VARIABLES, *Options::DEPLOY_VARIABLES].each do |row|
        env.set_if_empty(row.name, row.default) unless row.default.nil?
      end
      env.set_if_empty(:remote_murder_path, -> { deploy_to && "#{deploy_to}/#{shared_directory}/murder" })
    end

    # @return [String, nil] where releases go, if the user said so
    def deploy_to
      path = env.fetch(:deploy_to).to_s
      path unless path.empty? || (path == NO_APPLICATION && env.fetch(:application).to_s.empty?)
    end

    # Rake tells the operator.
    def translated
      yield
    end

    # Runs another task with its hooks.
    def invoke(task)
      Rake::Task["murder:#{task}"].tap(&:reenable).invoke
    end

    # Runs the block under a name for what fails in it; Ctrl-C gets a text, for
    # Rake and deploy:failed tell that.
    def doing(what)
      before = @what
      @what = what
      yield
    rescue Interrupt => e
      raise told(e), cause: nil
    ensure
      @what = before
    end

    def perform(task)
      doing("murder:#{task.name}") { super }
    end

    def dry_run?
      env.dry_run?
    end

    def info(text)
      SSHKit.config.output.info(text)
    end

    # @return [Object] a variable's value or nil
    def variable(name)
      env.fetch(name)
    end

    private

    def shared_directory
      env.fetch(:shared_directory, "shared")
    end

    def set(name, value)
      env.set(name, value)
    end

    def warn(text)
      SSHKit.config.output.warn(text)
    end
  end
end
