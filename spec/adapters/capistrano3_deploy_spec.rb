# frozen_string_literal: true

require "tmpdir"
require_relative "../support/recorded_capistrano3"

# The SCM plugin inside Capistrano 3's own deploy: its tasks, its hooks.
RSpec.describe "Capistrano::SCM::Murder", skip: RecordedCapistrano3::MISSING do
  include_context "with Capistrano 3"

  around do |example|
    Dir.mktmpdir { |dir| (@dir = dir) && example.run }
  end

  before { pretend_payload }

  def deployer(more = "", plugins: [Capistrano::SCM::Murder], **options)
    cap(<<~RUBY, plugins: plugins, **options)
      set :application, "app"
      set :deploy_to, "/srv/app"
      set :repo_url, "git@example.com:app.git"
      set :branch, "main"
      set :default_temp_path, #{@dir.inspect}
      set :git_wrapper_path, "/tmp/git-ssh.sh"
      set :local_user, "me"
      role :app, %w[h1 h2 h3]
      role :db, "h4", no_release: true
      #{more}
    RUBY
    recorder.answer(/uname/, out: "Linux x86_64\nmachine\nsum\n")
    recorder.answer(/git --no-pager log/, out: "c0ffee 1700000000\n")
    recorder.answer(/tracker status/, out: "")
    recorder.answer(/ls -x/, out: "20260101000000\n")
    recorder
  end

  # The time is the release's name.
  def text
    recorder.text.gsub(@dir, "/tmp").gsub(recorder.env.timestamp.strftime("%Y%m%d%H%M%S"), "20260101000000")
  end

  def failing(&block)
    block.call
    raise "nothing was raised"
  rescue Murder::Error => e
    e.message
  end

  def programs_run
    recorder.commands.grep_v(/murder_client status/).filter_map do |line|
      line[/murder_(\w+(?: (?:stop )?(?:seeder|peer|stop)\b)?)/, 1]
    end
  end

  it "is the golden script: only the seeder speaks git" do
    deployer.invoke("deploy")
    expect(text).to match_golden("deploy3")
    expect(recorder.script.grep(/ git /).map { |line| line[/\S+/] }.uniq).to eq(%w[h1])
  end

  it "leaves nothing on this machine" do
    deployer.invoke("deploy")
    expect(Dir.children(@dir)).to be_empty
  end

  it "gives Capistrano the revision and its time" do
    deployer.invoke("deploy")
    expect(recorder.env.fetch(:current_revision)).to eq("c0ffee")
    expect(recorder.env.fetch(:current_revision_time)).to eq("1700000000")
  end

  it "brings all of murder's tasks, also beside Capistrano::Murder and twice" do
    deployer(plugins: [Capistrano::Murder, Capistrano::SCM::Murder, Capistrano::SCM::Murder])
    expect(recorder.described_tasks.keys).to match_array((Murder::Tasks::ALL.map(&:name) + Murder::Tasks::DEPLOY.keys)
      .map { |name| "murder:#{name}" })
    recorder.invoke("deploy")
    expect(text).to match_golden("deploy3")
  end

  it "is installed by set :deploy_via, :murder" do
    deployer("set :deploy_via, :murder", plugins: [Capistrano::Murder])
    recorder.invoke("deploy")
    expect(text).to match_golden("deploy3")
  end

  it "does not mind arguments and defaults meant for the manual flow" do
    deployer("set :default_tag, 'x'; set :default_seeder_files_path, '/x'; set :default_destination_path, '/x'")
    recorder.invoke("deploy", tag: "y", unsafe_please_delete: "1", no_tag_directory: "1", do_not_download_torrent: "1")
    expect(text.lines.drop(1)).to eq(File.readlines(File.expand_path("../golden/deploy3.txt", __dir__)).drop(1))
  end

  it "starts and stops no tracker that is somebody else's" do
    deployer("set :murder_manage_tracker, false").invoke("deploy")
    expect(programs_run.grep(/tracker/)).to be_empty
    deployer.answer(/tracker status/, out: "runs\n")
    recorder.invoke("deploy")
    expect(recorder.commands.grep(/murder_tracker --port|murder_tracker stop/)).to be_empty
  end

  it "looks for the programs instead of sending them when murder_distribute is false" do
    deployer("set :murder_distribute, false").answer(/is not there/, hosts: %w[h2], err: "x is not there\n", status: 4)
    expect(failing { recorder.invoke("deploy:check") }).to eq("murder:check failed on h2: x is not there")
    expect(recorder.commands.grep(/uname/)).to be_empty
  end

  it "refuses links that lead out when told so" do
    deployer("set :murder_outside_links, false").invoke("deploy")
    expect(recorder.commands.grep(/outside-links/)).to be_empty
  end

  it "has no hooks with load_hooks: false, but its tasks" do
    cap("set :application, 'app'; set :deploy_to, '/srv'", plugins: [])
    recorder.env.install_plugin(Capistrano::SCM::Murder, load_hooks: false)
    expect(Rake::Task["deploy:check"].prerequisites).to be_empty
    expect(Rake::Task.task_defined?("murder:create_release")).to be(true)
  end

  describe "when something fails" do
    def expect_all_stopped
      expect(programs_run.last(3)).to eq(["client stop peer", "client stop seeder", "tracker stop"])
      ["murder:clean_temp_files /tmp/20260101000000.tgz", "rm -rf /srv/app/releases/20260101000000",
       "rm -f /srv/app/repo/murder-20260101000000.tar.gz", "rm -f /tmp/git-ssh.sh"].each do |command|
        expect(text).to include(command)
      end
      expect(Dir.children(@dir)).to be_empty
    end

    it "on one peer: all is stopped and removed, and the first cause is said" do
      deployer.answer(/murder_client peer/, hosts: %w[h3], err: "disk full\n", status: 5)
      recorder.answer(/murder_\w+ stop/, err: "cannot stop\n", status: 1)
      expect(failing { recorder.invoke("deploy") }).to eq("murder:peer failed on h3: disk full")
      expect_all_stopped
    end

    it "by Ctrl-C: all is stopped and removed" do
      deployer.answer(/murder_client peer/, error: Interrupt.new)
      expect { recorder.invoke("deploy") }.to raise_error(Interrupt)
      expect_all_stopped
    end

    it "while it is packed: nothing is started" do
      deployer.answer(/git archive/, err: "fatal: No space left on device\n", status: 128)
      expect(failing { recorder.invoke("deploy") })
        .to eq("murder:create_release failed on h1: fatal: No space left on device")
      expect(text).not_to include("murder_make_torrent /", "--daemon")
      expect(text).to include("rm -rf /srv/app/releases/20260101000000")
    end

    it "before the release is ours: no release is removed" do
      deployer.answer(/is there already/, hosts: %w[h2], err: "release_path is there already\n", status: 12)
      expect(failing { recorder.invoke("deploy") }).to start_with("murder:create_release failed on h2: release_path")
      expect(text).not_to include("rm -rf /srv")
    end
  end

  describe "what is wrong from the start" do
    { "murder_source" => ["set :murder_source, :svn", /murder_source is :svn: it must be one of :git, :local/],
      "two seeders" => ["role :seeder, %w[h1 h2]", /packed on one server, and 2 have the role seeder: h1, h2/],
      "a server left out" => ["role :peer, %w[h1 h2]", /h3: gets releases, but has not the role peer/],
      "repo_url" => ["set :repo_url, nil", /set :repo_url/] }.each do |what, (line, text)|
      it "is said before anything runs: #{what}" do
        deployer(line)
        expect(failing { recorder.invoke("deploy") }).to match(text)
        expect(recorder.commands).to be_empty
      end
    end

    it "is another SCM plugin beside this one" do
      require "capistrano/scm/git"
      expect(failing { deployer(plugins: [Capistrano::SCM::Git, Capistrano::SCM::Murder]) })
        .to include("remove `install_plugin Capistrano::SCM::Git`")
    end
  end
end
