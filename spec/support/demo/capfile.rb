# frozen_string_literal: true

module Demo
  # The Capfile of the demo: what an operator writes, with the hooks of README.
  # What the demo adds is at its end.
  CAPFILE = <<~RUBY
    load "deploy"
    require "murder"

    set :application, "app"
    set :deploy_to, %<deploy_to>p
    set :deploy_via, :murder
    set :scm, %<scm>p
    set :repository, %<repository>p
    set :branch, "main"
    set :copy_exclude, [".git*"]
    role :app, *%<hosts>p

    after "deploy:setup", "murder:distribute_files"
    before "murder:start_seeding", "murder:start_tracker"
    after "murder:stop_seeding", "murder:stop_tracker"

    # So that what is deployed can be compared with what it was made from.
    set :shared_children, []
    set :normalize_asset_timestamps, false
    set :group_writable, false
    before("murder:peer") { File.write(%<marks>p + "/begin", "") }
    after("murder:peer") do
      File.write(%<marks>p + "/end", "")
      500.times { sleep 0.01 if File.exist?(%<marks>p + "/begin") }
    end
  RUBY

  # The same for Capistrano 3: Capfile and config/deploy.rb.
  CAPFILE3 = <<~RUBY
    require "capistrano/deploy"
    require "capistrano/scm/murder"
    install_plugin Capistrano::SCM::Murder
  RUBY
  DEPLOY3 = <<~RUBY
    set :application, "app"
    set :deploy_to, %<deploy_to>p
    set :repo_url, %<repository>p
    set :branch, "main"

    # So that the demo sees when murder:peer runs.
    before("murder:peer", "demo:begin") { File.write(%<marks>p + "/begin", "") }
    after("murder:peer", "demo:end") do
      File.write(%<marks>p + "/end", "")
      500.times { sleep 0.01 if File.exist?(%<marks>p + "/begin") }
    end
  RUBY
  DEPLOY3_FILES = <<~RUBY
    set :murder_source, :working_tree
    set :repo_tree, "files"
  RUBY

  # Where hosts have no /tmp of their own, and perhaps not the usual port.
  OWN_PLACES = <<~RUBY
    set :default_temp_path, %<temp>p
    set :copy_remote_dir, %<temp>p
    set :tmp_dir, %<seeder_temp>p
    set :tracker_port, %<tracker_port>p
  RUBY
end
