# frozen_string_literal: true

require_relative "../murder/capistrano3"

module Capistrano
  # The tasks murder:* for Capistrano 3, for those who keep their SCM or have
  # something else to distribute:
  #
  #   require "capistrano/murder"
  #   install_plugin Capistrano::Murder
  #
  # With `set :deploy_via, :murder` it installs {Capistrano::SCM::Murder} too.
  class Murder < Plugin
    def set_defaults
      ::Murder::Capistrano3.current.define_variables
      # without deploy tasks there is nothing for an SCM to do, but Capistrano would load one
      set(:scm, nil) if fetch(:scm) == Configuration::SCMResolver::DEFAULT_GIT && !deploy?
    end

    def define_tasks
      self.class.define_tasks
      honour(fetch(:deploy_via))
      validate(:deploy_via) { |_name, value| honour(value) }
    end

    # Defines the tasks of the table, once.
    def self.define_tasks
      return if Rake::Task.task_defined?("murder:#{::Murder::Tasks::ALL.first.name}")

      ::Murder::Tasks::ALL.each do |row|
        Rake.application.last_description = row.description
        Rake::Task.define_task("murder:#{row.name}") { ::Murder::Capistrano3.current.perform(row) }
      end
    end

    private

    def deploy?
      Rake::Task.task_defined?("deploy:new_release_path")
    end

    # `set :deploy_via, :murder`, as under Capistrano 2.
    def honour(strategy)
      return unless strategy.to_s == "murder"

      require_relative "scm/murder"
      install_plugin(SCM::Murder, load_immediately: true)
    end
  end
end
