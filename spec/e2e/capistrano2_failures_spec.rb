# frozen_string_literal: true

require_relative "../support/e2e"

# Deploys by murder that go wrong: what cap says, and what is left behind.
RSpec.describe "a deploy by murder that fails", :e2e do
  include_context "with hosts"

  attr_reader :source

  before do
    @source = repository
    commit(source, { "small" => "first" })
  end

  def current(host)
    Hosts::Tree.of(host.real_path("/srv/app/current"))
  end

  # Two deploys: the first goes well, before the second the block breaks something.
  def deployed(cap)
    expect(cap.cap("deploy:setup", "deploy")).to succeed
    commit(source, { "small" => "second", "large" => Random.new(5).bytes(3 << 20) })
  end

  # The first release is current everywhere, nothing of the second is there, nothing runs.
  def expect_as_before(those = hosts)
    expect(left_running).to be_empty
    those.each do |host|
      expect(File.read(File.join(host.real_path("/srv/app/current"), "small"))).to eq("first")
      expect(Dir.children(host.path("/srv/app/releases")).size).to eq(1)
    end
    expect(left_in_temp(those)).to be_empty
    expect(fleet.control_temp).to be_empty
  end

  it "because the third host's disk is full says so, is rolled back, and leaves nothing running" do
    Hosts::Fleet.open(count: 4, disk: { 3 => "7m" }, environment: E2E.environment) do |fleet|
      allow(self).to receive(:fleet).and_return(fleet)
      cap = deployer(source)
      deployed(cap)
      host(3).sh!("head -c 2m /dev/zero > /srv/other")
      result = cap.cap("deploy")
      expect(result).to fail_saying(/#{Regexp.escape(addresses[2])}/, /No space left|disk (is )?full|no room|free/i)
      expect(result.text).to include("rolling back")
      expect_as_before
    end
  end

  it "because a host is down says which, and leaves nothing running on the others" do
    cap = deployer(source)
    deployed(cap)
    host(3).kill
    expect(cap.cap("deploy"))
      .to fail_saying(/#{Regexp.escape(addresses[2])}/, /No route|timed out|timeout|unreachable/i)
    expect_as_before(hosts - [host(3)])
  end

  it "because a host dies in the middle of the transfer says which, and leaves nothing running on the others" do
    cap = deployer(source)
    deployed(cap)
    job = nil
    fleet.shaped("6mbit") do
      job = cap.start("deploy")
      job.wait_for(/murder_client peer/, timeout: 90)
      sleep 1
      host(3).cut # first: it shall not say farewell
      host(3).kill
      expect(job.wait(timeout: 120)).not_to eq(0)
    end
    expect(job.text).to match(/failed on #{Regexp.escape(addresses[2])}: the connection was lost/)
    expect_as_before(hosts - [host(3)])
  end

  # The static programs are one file with links to it: a file for each.
  def part_programs(dir)
    files = %w[murder_tracker murder_make_torrent].map { |name| File.join(dir, name) }
    files.select { |file| File.symlink?(file) }.each do |file|
      FileUtils.cp("#{dir}/murder_client", "#{file}.new")
      File.rename("#{file}.new", file)
    end
  end

  it "because the seeder cannot start stops the tracker that it started" do
    cap = deployer(source)
    deployed(cap)
    part_programs(host(1).path("/srv/app/shared/murder"))
    FileUtils.rm_f(host(1).path("/srv/app/shared/murder/murder_client"))
    expect(cap.cap("deploy")).to fail_saying(/#{Regexp.escape(addresses[0])}/, /murder_client/)
    FileUtils.cp(host(2).path("/srv/app/shared/murder/murder_client"), host(1).path("/srv/app/shared/murder"))
    expect_as_before
  end

  it "because a hook raises is cleaned up, and the hook's words are what one reads" do
    cap = deployer(source, 'after("murder:peer") { raise "the load balancer said no" if ENV["FAIL"] }')
    deployed(cap)
    expect(cap.cap("deploy", env: { "FAIL" => "1" })).to fail_saying(/the load balancer said no/)
    expect_as_before
  end

  # Presses Ctrl-C once cap has said something that matches.
  def interrupted(cap, pattern, pause: 0.5)
    fleet.shaped("6mbit") do
      job = cap.start("deploy")
      job.wait_for(pattern, timeout: 90)
      sleep pause
      job.interrupt
      expect(job.wait(timeout: 60)).not_to eq(0)
      return job
    end
  end

  { "while the peers download" => /murder_client peer/, "while the seeder starts" => /executing `murder:start_seeding'/,
    "while the torrent is made" => /executing `murder:create_torrent'/ }.each do |what, pattern|
    it "because of Ctrl-C #{what} leaves nothing running on any host" do
      cap = deployer(source)
      deployed(cap)
      job = interrupted(cap, pattern, pause: what.include?("peers") ? 1.5 : 0)
      expect(job.text).to end_with("cap: interrupted: what was begun has been ended (Interrupt)\n")
      expect(job.text).not_to match(/^\s*from /)
      expect_as_before
    end
  end

  it "because of Ctrl-C leaves nothing either when it is pressed twice" do
    cap = deployer(source)
    deployed(cap)
    fleet.shaped("6mbit") do
      job = cap.start("deploy")
      job.wait_for(/murder_client peer/, timeout: 90)
      sleep 1.5
      job.interrupt
      job.wait_for(/cleaning up/)
      job.interrupt
      expect(job.wait(timeout: 60)).not_to eq(0)
      expect(job.text).to match(/^murder: still cleaning up/)
      expect(job.text).to end_with("cap: interrupted: what was begun has been ended (Interrupt)\n")
    end
    expect_as_before
  end

  it "because of Ctrl-C can be repeated at once, and then succeeds" do
    cap = deployer(source)
    deployed(cap)
    interrupted(cap, /murder_client peer/, pause: 1)
    expect(cap.cap("deploy")).to succeed
    hosts.each do |host|
      expect(Hosts::Tree.difference(Hosts::Tree.without_git(source), current(host).except("REVISION"))).to be_empty
    end
  end
end
