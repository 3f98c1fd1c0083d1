# frozen_string_literal: true

require "bundler"
require "fileutils"
require "open3"
require "rbconfig"
require "tmpdir"

# The gem as a user gets it: built, installed into a directory of its own,
# used from there.
RSpec.describe "the gem", :slow do
  root = File.expand_path("..", __dir__)

  before(:all) do
    @home = Dir.mktmpdir("murder-gem")
    run!("gem", "build", "murder.gemspec", "--strict", "--output", "#{@home}/murder.gem", chdir: root)
    @said = run!("gem", "install", "--local", "--no-document", "#{@home}/murder.gem",
                 env: { "MURDER_BUILD" => "system" })
  end

  after(:all) { FileUtils.rm_rf(@home) }

  def environment
    # What this run finds its gems with, without Bundler, and our own home first.
    { "GEM_HOME" => @home, "GEM_PATH" => [@home, *Gem.path].join(":"), "MURDER_PROGRAMS" => nil,
      "PATH" => "#{@home}/bin:#{ENV.fetch("PATH")}" }
  end

  def run(*command, env: {}, chdir: @home)
    Bundler.with_unbundled_env { Open3.capture2e(environment.merge(env), *command, chdir: chdir) }
  end

  def run!(*command, **options)
    said, status = run(*command, **options)
    raise "#{command.join(" ")}: #{said}" unless status.success?

    said
  end

  def cap(capfile, *arguments)
    Dir.mktmpdir do |dir|
      File.write("#{dir}/Capfile", capfile)
      run(RbConfig.ruby, "-e", <<~RUBY, "--", *arguments, chdir: dir)
        gem "capistrano", "2.15.11"
        gem "murder"
        load Gem.bin_path("capistrano", "cap", "2.15.11")
      RUBY
    end
  end

  # The newest Capistrano 3 that is installed.
  def cap3(capfile, *arguments)
    Dir.mktmpdir do |dir|
      FileUtils.mkdir_p("#{dir}/config/deploy")
      File.write("#{dir}/Capfile", "require 'capistrano/setup'\n#{capfile}")
      File.write("#{dir}/config/deploy.rb", "set :application, 'app'\nset :repo_url, '/srv/source.git'\n")
      File.write("#{dir}/config/deploy/production.rb", "role :app, %w[host1]\n")
      run(RbConfig.ruby, "-e", <<~RUBY, "--", *arguments, chdir: dir)
        gem "capistrano", "~> 3.19"
        gem "murder"
        load Gem.bin_path("capistrano", "cap", "~> 3.19")
      RUBY
    end
  end

  it "puts the three programs on the path, compiled here" do
    version = Gem::Specification.load("#{root}/murder.gemspec").version
    %w[murder_client murder_make_torrent murder_tracker].each do |name|
      expect(run!(name, "--version")).to include(version.to_s), name
    end
  end

  it "passes the programs' exit statuses on" do
    _, status = run("murder_tracker", "stop", "--port", "1", "--run-dir", "#{@home}/run")
    expect(status.exitstatus).to eq(11)
  end

  it "gives a Capfile its tasks with require \"murder\"" do
    said, status = cap("require 'murder'\nset :remote_murder_path, '/opt/murder'\n", "-T")
    expect(status).to be_success
    expect(said.scan(/^cap (murder:\w+)/).flatten).to include("murder:distribute_files", "murder:peer")
  end

  describe "with Capistrano 3" do
    before do
      _, status = run(RbConfig.ruby, "-e", "gem 'capistrano', '~> 3.19'")
      skip "Capistrano 3 is not installed" unless status.success?
    end

    { "require 'murder'" => "", "require 'capistrano/murder'\ninstall_plugin Capistrano::Murder" => "",
      "require 'capistrano/deploy'\nrequire 'capistrano/scm/murder'\ninstall_plugin Capistrano::SCM::Murder" =>
        "murder:create_release" }.each do |capfile, more|
      it "gives a Capfile its tasks with #{capfile.lines.last}" do
        said, status = cap3(capfile, "production", "-T")
        expect(status).to be_success, said
        expect(said.scan(/^cap (murder:\w+)/).flatten)
          .to include("murder:distribute_files", "murder:peer", *[more].reject(&:empty?))
      end
    end

    it "finds the programs that the gem brings, and says what a task lacks" do
      said, status = cap3("require 'murder'", "production", "murder:peer")
      expect(status).not_to be_success
      expect(said).to include("You must specify a 'tag' parameter")
      said, status = cap3("require 'murder'", "production", "murder:distribute_files", "--dry-run")
      expect(status).to be_success, said
      expect(said).to match(%r{sending the programs\n.*linux-\S+.tgz /var/www/app/shared/murder/})
    end
  end

  it "gives each of several configurations its tasks" do
    said = run!(RbConfig.ruby, "-e", <<~RUBY)
      gem "capistrano", "2.15.11"
      gem "murder"
      require "capistrano"
      2.times do
        config = Capistrano::Configuration.new
        config.load(string: "require 'murder'")
        puts config.find_task("murder:peer").fully_qualified_name
      end
    RUBY
    expect(said).to eq("murder:peer\n" * 2)
  end

  it "can be embedded: a program's own configuration runs a task" do
    said, status = run(RbConfig.ruby, "-e", <<~RUBY)
      gem "capistrano", "2.15.11"
      gem "murder"
      require "capistrano"
      config = Capistrano::Configuration.new
      Thread.current[:capistrano_configuration] = config
      require "murder"
      begin
        config.find_and_execute_task("murder:peer")
      rescue Capistrano::Error => e
        puts e.message
      end
    RUBY
    expect(status).to be_success
    expect(said).to include("You must specify a 'tag' parameter")
  end

  it "says what to add when Capistrano is not loaded" do
    said, status = run(RbConfig.ruby, "-e", "gem 'murder'; require 'murder'")
    expect(status).not_to be_success
    expect(said).to include("Capistrano is not loaded: add `gem \"capistrano\"`")
  end

  it "says what to do when Capistrano has no configuration yet" do
    said, = run(RbConfig.ruby, "-e",
                "gem 'capistrano', '2.15.11'; require 'capistrano'; gem 'murder'; require 'murder'")
    expect(said).to include("there is no Capistrano configuration yet")
  end

  it "names the packages when a library is missing" do
    Dir.mktmpdir do |dir|
      FileUtils.cp("#{root}/ext/murder/extconf.rb", dir)
      said, status = run(RbConfig.ruby, "extconf.rb", env: { "PKG_CONFIG_LIBDIR" => dir }, chdir: dir)
      expect(status).not_to be_success
      expect(said).to include("these libraries are missing: libuv", "apt-get install libuv1-dev")
      expect(File).not_to exist("#{dir}/config.mk")
    end
  end

  it "ships nothing of the tests" do
    files = Dir.glob("**/*", base: Dir["#{@home}/gems/murder-*"].first)
    expect(files.grep(%r{\A(spec|bin|rakelib|gemfiles)/})).to be_empty
  end
end
