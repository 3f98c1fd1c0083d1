# frozen_string_literal: true

require "capistrano/scm/git"
require_relative "../murder"
require_relative "../../murder/capistrano3/release"
require_relative "../../murder/capistrano3/seeder_git"
require_relative "../../murder/capistrano3/local_checkout"
require_relative "../../murder/capistrano3/working_tree"

module Capistrano
  class SCM
    # Deploys by murder with Capistrano 3:
    #
    #   require "capistrano/scm/murder"
    #   install_plugin Capistrano::SCM::Murder
    #
    # It is Capistrano's Git plugin as far as the repository goes, with its
    # variables, but only one server, the seeder, talks to the repository.
    class Murder < Git
      SOURCES = { git: ::Murder::Capistrano3::SeederGit, local: ::Murder::Capistrano3::LocalCheckout,
                  working_tree: ::Murder::Capistrano3::WorkingTree }.freeze
      private_constant :SOURCES

      def set_defaults
        super
        adapter.define_variables
        refuse_second_scm
      end

      def define_tasks
        Capistrano::Murder.define_tasks
        return if Rake::Task.task_defined?("murder:create_release")

        ::Murder::Tasks::DEPLOY.each do |name, description|
          Rake.application.last_description = description
          Rake::Task.define_task("murder:#{name}") { adapter.doing("murder:#{name}") { send(name) } }
        end
      end

      def register_hooks
        return if Rake::Task["deploy:check"].prerequisites.include?("murder:check")

        before "deploy:check", "murder:check"
        after "deploy:new_release_path", "murder:create_release"
        before "deploy:set_current_revision", "murder:set_current_revision"
        before "deploy:set_current_revision_time", "murder:set_current_revision_time"
      end

      private

      def adapter
        ::Murder::Capistrano3.current
      end

      def check
        release.check
      end

      def create_release
        release.create(release_path.to_s)
      end

      def set_current_revision
        set :current_revision, source.revision
      end

      def set_current_revision_time
        set :current_revision_time, source.revision_time
      end

      def release
        ::Murder::Capistrano3::Release.new(adapter, source)
      end

      def source
        @source ||= begin
          name = fetch(:murder_source).to_s.to_sym
          known = SOURCES.fetch(name) do
            raise ::Murder::OptionError, "murder_source is #{fetch(:murder_source).inspect}: it must be one of " \
                                         "#{SOURCES.keys.map(&:inspect).join(", ")}"
          end
          known.new(adapter, self)
        end
      end

      # Two SCM plugins would both make the release.
      def refuse_second_scm
        return unless Rake::Task.task_defined?("deploy:check")

        other = Rake::Task["deploy:check"].prerequisites.map { |name| name[/\A(git|hg|svn):check\z/, 1] }.compact.first
        return if other.nil?

        raise ::Murder::OptionError, "the release would be made twice: remove `install_plugin " \
                                     "Capistrano::SCM::#{other.capitalize}` from your Capfile"
      end
    end
  end
end
