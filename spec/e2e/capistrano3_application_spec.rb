# frozen_string_literal: true

require "bundler"
require_relative "../support/e2e"
require_relative "../support/recorded_capistrano3"

# A Ruby application, its gems in vendor/cache, deployed with
# capistrano-bundler's hooks around murder's.
RSpec.describe "deploying an application with capistrano-bundler", :e2e, skip: RecordedCapistrano3::MISSING do
  include_context "with hosts", 3

  # A gem that says `word`, as a file.
  def greeter(version, word)
    Dir.mktmpdir do |dir|
      FileUtils.mkdir_p("#{dir}/lib")
      File.write("#{dir}/lib/greeter.rb", "GREETING = #{word.inspect}\n")
      File.write("#{dir}/greeter.gemspec", <<~RUBY)
        Gem::Specification.new do |s|
          s.name = "greeter"
          s.version = "#{version}"
          s.summary = s.author = "spec"
          s.files = ["lib/greeter.rb"]
        end
      RUBY
      Hosts::Shell.run!("gem", "build", "greeter.gemspec", chdir: dir)
      File.binread("#{dir}/greeter-#{version}.gem")
    end
  end

  def application(version, word)
    { "vendor/cache/greeter-#{version}.gem" => greeter(version, word),
      "Gemfile" => "source \"https://rubygems.org\"\ngem \"greeter\"\n",
      "Gemfile.lock" => <<~TEXT,
        GEM
          remote: https://rubygems.org/
          specs:
            greeter (#{version})

        PLATFORMS
          ruby

        DEPENDENCIES
          greeter

        BUNDLED WITH
           #{Bundler::VERSION}
      TEXT
      "app.rb" => "require \"bundler/setup\"\nrequire \"greeter\"\nputs GREETING\n" }
  end

  def greetings
    hosts.map { |host| Bundler.with_unbundled_env { host.sh!("cd /srv/app/current && ruby app.rb").strip } }
  end

  it "twice, then back: each release has its gems, and nothing else is left" do
    source = repository
    commit(source, application("1.0", "hello"))
    publish(source)
    cap = deployer3("/srv/source.git", <<~RUBY, capfile: "require \"capistrano/bundler\"")
      append :linked_dirs, "log"
      set :bundle_flags, "--quiet --local"
    RUBY
    expect(cap.cap("deploy")).to succeed
    expect(greetings).to all(eq("hello"))

    commit(source, application("2.0", "good day"), delete: ["vendor/cache/greeter-1.0.gem"])
    publish(source)
    expect(cap.cap("deploy")).to succeed
    expect(greetings).to all(eq("good day"))

    expect(cap.cap("deploy:rollback")).to succeed
    expect(greetings).to all(eq("hello"))
    expect(left_running).to be_empty
    expect(left_in_temp).to be_empty
    expect(Dir.children(fleet.control_path("/tmp")) - [__dir__.split("/")[2]]).to be_empty # but for a checkout there
  end
end
