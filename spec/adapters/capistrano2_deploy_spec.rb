# frozen_string_literal: true

require "fileutils"
require "tmpdir"
require_relative "../support/recorded_capistrano2"

# The strategy inside Capistrano 2's own deploy: its recipes, its Copy, its
# transaction; the archive is made by the real tar.
RSpec.describe "set :deploy_via, :murder", skip: RecordedCapistrano2::MISSING do
  include_context "with Capistrano 2"

  around do |example|
    Dir.mktmpdir { |dir| (@dir = dir) && example.run }
  end

  def capfile(more = "")
    FileUtils.mkdir_p("#{@dir}/source")
    File.write("#{@dir}/source/index.html", "hello")
    FileUtils.mkdir_p("#{@dir}/local")
    <<~RUBY
      load "deploy"
      set :application, "app"
      set :scm, :none
      set :repository, #{"#{@dir}/source".inspect}
      set :copy_dir, #{"#{@dir}/local".inspect}
      set :default_temp_path, #{"#{@dir}/temp".inspect}
      set :deploy_to, "/srv/app"
      set :deploy_via, :murder
      set :use_sudo, false
      set :normalize_asset_timestamps, false
      set :release_name, "20260101000000"
      set :deploy_timestamped, true
      role :app, "h1", "h2", "h3"
      role :db, "h4", :no_release => true
      before "murder:start_seeding", "murder:start_tracker"
      after "murder:stop_seeding", "murder:stop_tracker"
      #{more}
    RUBY
  end

  def deploy(more = "", arguments = {})
    FileUtils.mkdir_p("#{@dir}/temp")
    cap(capfile(more)) unless recorder
    yield recorder if block_given?
    recorder.invoke("deploy:update", arguments)
  end

  def text
    recorder.text.gsub("#{@dir}/temp", "/tmp").gsub(@dir, "DIR")
  end

  def left_here
    Dir.children("#{@dir}/local") + Dir.children("#{@dir}/temp")
  end

  it "is the golden script" do
    deploy
    expect(text).to match_golden("deploy")
  end

  it "leaves nothing on this machine and nothing in ENV" do
    before = ENV.to_h
    deploy
    expect(left_here).to be_empty
    expect(ENV.to_h).to eq(before)
  end

  it "is what deploy_via finds although there is a module ::Murder" do
    recorder = cap(capfile)
    expect(recorder.config.fetch(:strategy)).to be_a(Capistrano::Deploy::Strategy::Murder)
  end

  it "works for a dedicated seeder that gets no release, and cleans up there" do
    deploy('role :seeder, "s", :no_release => true; role :tracker, "t", :no_release => true')
    expect(recorder.script.grep(/: upload.*app|: upload 2026/).map { |line| line[/\S+/] }).to eq(["s"])
    expect(recorder.script.grep(/make_torrent/).map { |line| line[/\S+/] }).to eq(["s"])
    expect(recorder.script.grep(/murder_tracker/).map { |line| line[/\S+/] }).to eq(%w[t t])
    expect(recorder.script.grep(/rm -f .*20260101000000.tar.gz$/).last).to start_with("h1,h2,h3,s $ ")
  end

  it "uploads the way copy_via says" do
    deploy("set :copy_via, :scp")
    expect(recorder.script.grep(/upload 2026/)).to eq(["h1 : upload 20260101000000.tar.gz to " \
                                                       "/tmp/20260101000000.tar.gz (scp)"])
  end

  it "keeps copy_compression and copy_remote_dir" do
    deploy("set :copy_compression, :bz2; set :copy_remote_dir, '/var/tmp'")
    expect(text).to include("murder_make_torrent /var/tmp/20260101000000.tar.bz2 h1:8998 " \
                            "/tmp/20260101000000.tar.bz2.tgz.torrent",
                            "cd /srv/app/releases && tar xjf /var/tmp/20260101000000.tar.bz2")
  end

  it "does not mind arguments and defaults meant for the manual flow" do
    deploy("set :default_tag, 'x'; set :default_seeder_files_path, '/x'; set :default_destination_path, '/x'",
           tag: "y", unsafe_please_delete: "1", no_tag_directory: "1", do_not_download_torrent: "1")
    golden = File.readlines(File.expand_path("../golden/deploy.txt", __dir__))
    expect(text.lines.drop(1)).to eq(golden.drop(1))
  end

  it "deploys several releases in a row" do
    deploy
    first = recorder.script.size
    recorder.config.unset(:strategy)
    recorder.config.set(:strategy) { Capistrano::Deploy::Strategy.new(:murder, recorder.config) }
    recorder.set(:release_name, "20260102000000")
    %i[release_path latest_release].each { |name| recorder.config.reset!(name) }
    recorder.invoke("deploy:update")
    second = recorder.script.drop(first).join("\n")
    expect(second).to include("--tag=20260102000000.tar.gz")
    expect(second).not_to include("20260101000000.tar.gz")
  end

  describe "when something fails" do
    def failed(more = "", &block)
      deploy(more, &block)
      raise "it did not fail"
    rescue Capistrano::Error => e
      e.message
    end

    def expect_all_stopped
      lines = text.lines
      ["stop peer", "stop seeder", "murder_tracker stop", "clean_temp_files /tmp/20260101000000.tar.gz.tgz",
       "rm -f /tmp/20260101000000.tar.gz\n", "rm -rf /srv/app/releases/20260101000000; true"].each do |command|
        expect(lines.grep(/#{Regexp.escape(command)}/)).not_to be_empty, command
      end
      expect(left_here).to be_empty
    end

    it "on one peer: all is stopped, removed and rolled back, and the first cause is said" do
      message = failed { |cap| cap.answer(/murder_client peer/, hosts: ["h3"], err: "h: disk full\n", status: 5) }
      expect(message).to eq("murder:peer failed on h3: h: disk full")
      expect_all_stopped
      expect(text).not_to include("tar xzf")
    end

    it "and the stops fail too: still the first cause, and every stop is tried" do
      message = failed do |cap|
        cap.answer(/murder_\w+ stop/, err: "cannot stop\n", status: 1)
        cap.answer(/murder_client peer/, hosts: ["h3"], err: "first\n", status: 5)
      end
      expect(message).to eq("murder:peer failed on h3: first")
      expect_all_stopped
    end

    it "and a hook of a stop fails: still the first cause" do
      message = failed('after("murder:stop_peering") { raise "hook" }') do |cap|
        cap.answer(/murder_client peer/, hosts: ["h3"], err: "first\n", status: 5)
      end
      expect(message).to eq("murder:peer failed on h3: first")
      expect_all_stopped
    end

    it "in the hook that starts the tracker: the cause is the tracker's" do
      message = failed { |cap| cap.answer(/murder_tracker --port/, err: "port 8998 is in use\n", status: 6) }
      expect(message).to eq("murder:start_tracker failed on h1: port 8998 is in use")
      expect(text).to include("rm -f /tmp/20260101000000.tar.gz\n")
    end

    it "while it is unpacked: the archive stays on no host" do
      expect { deploy { |cap| cap.answer(/tar xzf/, hosts: ["h2"], err: "No space left\n", status: 1) } }
        .to raise_error(Capistrano::CommandError)
      expect_all_stopped
    end

    it "while it is uploaded: nothing is started" do
      message = failed { |cap| cap.answer(/upload 2026/, err: "No space left on device", status: 1) }
      expect(message).to eq("deploy:update_code failed on h1: /tmp/20260101000000.tar.gz: No space left on device")
      expect(text).not_to match(/murder_/)
      expect(text).to include("rm -f /tmp/20260101000000.tar.gz\n")
    end

    it "by Ctrl-C: all is stopped, removed and rolled back" do
      expect { deploy { |cap| cap.answer(/murder_client peer/, error: Interrupt.new) } }.to raise_error(Interrupt)
      expect_all_stopped
    end
  end

  describe "deploy:check" do
    it "asks for murder's programs and says how to get them" do
      recorder = cap(capfile)
      recorder.answer(%r{test -f /srv/app/shared/murder/murder_client}, hosts: ["h2"], status: 1)
      expect { recorder.invoke("deploy:check") }
        .to raise_error(SystemExit).and output(%r{murder's programs are not in `/srv/app/shared/murder'.*h2}).to_stdout
    end
  end

  it "leaves deploy:rollback to Capistrano" do
    recorder = cap(capfile)
    recorder.answer(/ls -x/, out: "20251231000000 20260101000000\n")
    recorder.invoke("deploy:rollback:code")
    expect(text).to include("ln -s /srv/app/releases/20251231000000 /srv/app/current")
    expect(text).not_to include("murder_")
  end

  it "distributes after deploy:setup when hooked" do
    pretend_payload
    recorder = cap(capfile('after "deploy:setup", "murder:distribute_files"'))
    recorder.answer(/uname/, out: "Linux x86_64\n")
    recorder.invoke("deploy:setup")
    expect(recorder.script.last).to start_with("h1,h2,h3 $ ").and include("/srv/app/shared/murder murder_dist.tgz")
  end
end
