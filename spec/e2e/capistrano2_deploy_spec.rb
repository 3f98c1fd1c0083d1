# frozen_string_literal: true

require_relative "../support/e2e"

# Capistrano 2.15.11's own deploy tasks with `set :deploy_via, :murder`.
RSpec.describe "deploying by murder with Capistrano 2", :e2e do
  include_context "with hosts"

  attr_reader :source

  before do
    @source = repository
    @first = commit(source, payload.except(".hidden"))
  end

  # What is checked out, without .git*.
  def checkout
    Hosts::Tree.without_git(source)
  end

  def current(host)
    Hosts::Tree.of(host.real_path("/srv/app/current"))
  end

  def releases(host)
    Dir.children(host.path("/srv/app/releases")).sort
  end

  # Nothing runs, and no temporary file is left, on the hosts and on the machine that ran cap.
  def expect_nothing_left
    expect(left_running).to be_empty
    expect(left_in_temp).to be_empty
    expect(fleet.control_temp.grep_v(/\Amy-cache\z/)).to be_empty
  end

  it "brings one release after another to every server, and rolls back", :sanitized do
    cap = deployer(source)
    expect(cap.cap("deploy:setup")).to succeed
    expect(cap.cap("deploy:check")).to succeed

    expect(cap.cap("deploy")).to succeed
    one = checkout
    hosts.each { |host| expect(Hosts::Tree.difference(one, current(host).except("REVISION"))).to be_empty }
    expect(hosts.map { |host| host.sh!("cat /srv/app/current/REVISION").strip }).to all(eq(@first))
    expect_nothing_left

    second = commit(source, { "small" => "changed", "new" => "n" }, delete: ["empty"])
    expect(cap.cap("deploy")).to succeed
    hosts.each { |host| expect(Hosts::Tree.difference(checkout, current(host).except("REVISION"))).to be_empty }
    expect(hosts.map { |host| host.sh!("cat /srv/app/current/REVISION").strip }).to all(eq(second))
    expect(hosts.map { |host| releases(host).size }).to all(eq(2))
    expect_nothing_left

    expect(cap.cap("deploy:rollback")).to succeed
    hosts.each { |host| expect(Hosts::Tree.difference(one, current(host).except("REVISION"))).to be_empty }
    expect(hosts.map { |host| releases(host).size }).to all(eq(1))
    expect_nothing_left
  end

  it "deploys for the first time with deploy:cold, hooks of the user around murder's tasks" do
    cap = deployer(source, <<~RUBY)
      namespace(:deploy) { task(:migrate) {} }
      before("murder:create_torrent") { puts "HOOK before create" }
      after("murder:peer") { puts "HOOK after peer" }
      after("murder:clean_temp_files") { puts "HOOK after clean" }
    RUBY
    result = cap.cap("deploy:setup", "deploy:cold")
    expect(result).to succeed
    expect(result.text.scan(/^HOOK .*/)).to eq(["HOOK before create", "HOOK after peer", "HOOK after clean"])
    hosts.each { |host| expect(Hosts::Tree.difference(checkout, current(host).except("REVISION"))).to be_empty }
    expect_nothing_left
  end

  it "keeps Copy's options: export, exclusions, compression, build script, scp" do
    cap = deployer(source, <<~RUBY)
      set :copy_strategy, :export
      set :copy_exclude, [".git*", "deep"]
      set :copy_compression, :bz2
      set :build_script, "echo built > built"
      set :copy_via, :scp
    RUBY
    expect(cap.cap("deploy:setup", "deploy")).to succeed
    wanted = checkout.reject { |name, _| name.start_with?("deep") }
    hosts.each do |host|
      found = current(host)
      expect(host.sh!("cat /srv/app/current/built")).to eq("built\n")
      expect(Hosts::Tree.difference(wanted, found.except("REVISION", "built"))).to be_empty
    end
    expect_nothing_left
  end

  it "keeps Copy's cache between deploys" do
    cap = deployer(source, 'set :copy_cache, "/tmp/my-cache"')
    expect(cap.cap("deploy:setup", "deploy")).to succeed
    commit(source, { "small" => "changed" })
    expect(cap.cap("deploy")).to succeed
    hosts.each { |host| expect(Hosts::Tree.difference(checkout, current(host).except("REVISION"))).to be_empty }
    expect(File.exist?(fleet.control_path("/tmp/my-cache/small"))).to be(true)
    expect_nothing_left
  end

  it "leaves servers with :no_release alone" do
    cap = deployer(source, "role :db, #{addresses[3].inspect}, :no_release => true", servers: addresses.first(3))
    expect(cap.cap("deploy:setup", "deploy")).to succeed
    hosts.first(3).each { |host| expect(Hosts::Tree.difference(checkout, current(host).except("REVISION"))).to be_empty }
    expect(Dir.children(host(4).path("/srv"))).to be_empty
    expect_nothing_left
  end

  it "works when tracker and seeder get no release themselves" do
    cap = deployer(source, <<~RUBY, servers: addresses.last(2))
      role :tracker, #{addresses[0].inspect}, :no_release => true
      role :seeder, #{addresses[1].inspect}, :no_release => true
      set :remote_murder_path, "/srv/murder"
    RUBY
    expect(cap.cap("deploy:setup", "deploy")).to succeed
    hosts.last(2).each { |host| expect(Hosts::Tree.difference(checkout, current(host).except("REVISION"))).to be_empty }
    expect(hosts.first(2).map { |host| Dir.children(host.path("/srv")) }).to all(eq(["murder"]))
    expect_nothing_left
  end

  it "names hosts as the Capfile does: those known only to /etc/hosts work" do
    cap = deployer(source, servers: hosts.map(&:name))
    expect(cap.cap("deploy:setup", "deploy")).to succeed
    hosts.each { |host| expect(Hosts::Tree.difference(checkout, current(host).except("REVISION"))).to be_empty }
    expect_nothing_left
  end

  it "says in deploy:check that the programs are missing" do
    cap = deployer(source)
    hosts.each { |host| host.sh!("mkdir -p /srv/app/releases /srv/app/shared") }
    expect(cap.cap("deploy:check")).to fail_saying(%r{/srv/app/shared/murder.*murder:distribute_files}m)
  end

  it "leaves the tracker that it started to another transfer, and the next one stops it" do
    cap = deployer(source)
    write_files(host(1), "/srv/data", payload)
    other = ["tag=other", "files_path=/srv/data"]
    expect(cap.cap("deploy:setup", "murder:create_torrent", "murder:start_seeding", *other)).to succeed
    expect(cap.cap("deploy").tap { |result| expect(result.text).to match(/The tracker goes on for other, /) })
      .to succeed
    expect(all_running).to contain_exactly(/murder_tracker/, /murder_client seeder .*--tag=other/)
    host(1).sh!("/srv/app/shared/murder/murder_client stop seeder --tag other")
    expect(cap.cap("deploy")).to succeed
    expect(left_running).to be_empty
  end

  it "leaves a tracker running that the deploy did not start" do
    cap = operator(<<~RUBY)
      load "deploy"
      require "murder"
      set :application, "app"
      set :deploy_to, "/srv/app"
      set :deploy_via, :murder
      set :repository, #{source.inspect}
      set :scm, :git
      set :branch, "main"
      role :app, *#{addresses.inspect}
      after "deploy:setup", "murder:distribute_files"
    RUBY
    expect(cap.cap("deploy:setup", "murder:start_tracker")).to succeed
    expect(cap.cap("deploy")).to succeed
    expect(all_running.size).to eq(1)
    expect(all_running.first).to include("murder_tracker")
    expect(cap.cap("murder:stop_tracker")).to succeed
  end
end
