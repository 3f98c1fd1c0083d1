# frozen_string_literal: true

require_relative "../support/e2e"
require_relative "../support/recorded_capistrano3"

# Capistrano 3's own deploy with Capistrano::SCM::Murder.
RSpec.describe "deploying by murder with Capistrano 3", :e2e, skip: RecordedCapistrano3::MISSING do
  include_context "with hosts", 3

  attr_reader :source

  before do
    @source = repository
    @first = commit(source, payload.merge(".gitignore" => "*.log\n", "deep/.gitkeep" => ""))
    publish(source)
  end

  def checkout
    Hosts::Tree.of(source).reject { |name, _| name == ".git" || name.start_with?(".git/") }
  end

  def current(host)
    Hosts::Tree.of(host.real_path("/srv/app/current"))
  end

  def releases(host)
    dir = host.path("/srv/app/releases")
    File.directory?(dir) ? Dir.children(dir).sort : []
  end

  def revision(host)
    host.sh!("cat /srv/app/current/REVISION").strip
  end

  def expect_current(tree, those = hosts, ignore: %w[REVISION REVISION_TIME])
    those.each { |host| expect(Hosts::Tree.difference(tree, current(host).except(*ignore))).to be_empty }
  end

  # Nothing runs, and no temporary file is left, on the hosts and on the machine that ran cap.
  def expect_nothing_left
    expect(left_running).to be_empty
    expect(left_in_temp(hosts.select(&:up?))).to be_empty
    expect(Dir.children(fleet.control_path("/tmp")) - [__dir__.split("/")[2]]).to be_empty # but for a checkout there
    repo = host(1).path("/srv/app/repo")
    expect(Dir.children(repo).grep(/murder/)).to be_empty if File.directory?(repo)
  end

  # And no release was begun anywhere.
  def expect_nothing_done
    expect_nothing_left
    expect(hosts.select(&:up?).flat_map { |host| releases(host) }).to be_empty
    expect(hosts.select(&:up?).map { |host| File.symlink?(host.path("/srv/app/current")) }).to all(be(false))
  end

  it "brings one release after another to every server, links what is shared, and rolls back", :sanitized do
    cap = deployer3("/srv/source.git", <<~RUBY)
      append :linked_files, "config/secret.yml"
      append :linked_dirs, "log"
      set :keep_releases, 2
    RUBY
    expect(cap.cap("deploy:check")).to fail_saying(%r{config/secret.yml does not exist})
    hosts.each { |host| write_files(host, "/srv/app/shared/config", "secret.yml" => "s") }
    expect(cap.cap("deploy")).to succeed
    ignore = %w[REVISION REVISION_TIME config config/secret.yml log]
    one = checkout
    expect_current(one, ignore: ignore)
    expect(hosts.map { |host| revision(host) }).to all(eq(@first))
    expect(hosts.map { |host| host.sh!("cat /srv/app/current/config/secret.yml; readlink /srv/app/current/log") })
      .to all(eq("s/srv/app/shared/log\n"))
    expect_nothing_left

    2.times do |number|
      @last = commit(source, { "small" => "changed #{number}", "new" => "n" }, delete: number.zero? ? ["empty"] : [])
      publish(source)
      result = cap.cap("deploy")
      expect(result).to succeed
      expect(result.text).to match(/has these programs already, nothing sent/)
    end
    expect_current(checkout, ignore: ignore)
    expect(hosts.map { |host| revision(host) }).to all(eq(@last))
    expect(hosts.map { |host| releases(host).size }).to all(eq(2))
    expect(hosts.map { |host| host.sh!("tail -n 1 /srv/app/revisions.log") }).to all(include(@last))

    expect(cap.cap("deploy:rollback")).to succeed
    expect(hosts.map { |host| host.sh!("cat /srv/app/current/small") }).to all(eq("changed 0"))
    expect(hosts.map { |host| releases(host).size }).to all(eq(1))
    expect_nothing_left
  end

  it "sends what git archive has: .git* files, links to anywhere, repo_tree" do
    File.symlink("../../shared/log", File.join(source, "deep/log"))
    File.symlink("/etc/hostname", File.join(source, "deep/name"))
    commit(source, { "deep/run" => "#!/bin/sh\n" })
    publish(source)
    expect(deployer3("/srv/source.git").cap("deploy")).to succeed
    expect_current(checkout)
    expect(File.exist?(host(3).real_path("/srv/app/current/deep/.gitkeep"))).to be(true)
    expect(host(3).sh!("readlink /srv/app/current/deep/log")).to eq("../../shared/log\n")

    sleep 1 # releases are named by the second
    expect(deployer3("/srv/source.git", 'set :repo_tree, "deep/er"').cap("deploy")).to succeed
    expect(host(3).sh!("ls /srv/app/current")).to eq("REVISION\nREVISION_TIME\nfile\n")
    expect_nothing_left
  end

  it "works when tracker and seeder get no release themselves" do
    lines = ["server #{addresses[0].inspect}, roles: %w{seeder tracker}, no_release: true",
             *addresses.drop(1).map { |one| "server #{one.inspect}, roles: %w{web}" }]
    cap = deployer3("/srv/source.git", servers: lines)
    expect(cap.cap("deploy")).to succeed
    expect_current(checkout, hosts.drop(1))
    expect(releases(host(1))).to be_empty
    expect_nothing_left
  end

  it "deploys to the hosts that --hosts chooses, from tracker and seeder as ever" do
    cap = deployer3("/srv/source.git")
    expect(cap.cap("deploy", "--hosts=#{addresses[2]}")).to succeed
    expect_current(checkout, [host(3)])
    expect(hosts.map { |host| releases(host).size }).to eq([0, 0, 1])
    expect_nothing_left
  end

  it "is what set :deploy_via, :murder means with require \"murder\"" do
    cap = deployer3("/srv/source.git", "set :deploy_via, :murder")
    cap.capfile = "require \"capistrano/deploy\"\nrequire \"murder\"\n"
    result = cap.cap("deploy")
    expect(result).to succeed
    expect(result.text).not_to match(/Deprecation/)
    expect_current(checkout)
    expect_nothing_left
  end

  it "leaves a tracker running that ran before" do
    cap = deployer3("/srv/source.git")
    expect(cap.cap("murder:distribute_files", "murder:start_tracker", "deploy")).to succeed
    expect(all_running).to contain_exactly(/murder_tracker/)
    expect(cap.cap("murder:stop_tracker")).to succeed
    expect_nothing_left
  end

  describe "from the operator's checkout" do
    def deployer(source_name, more = "")
      deployer3("/srv/nowhere.git", "set :murder_source, #{source_name.inspect}\n#{more}").tap do |cap|
        %w[Capfile config].each do |name|
          FileUtils.rm_rf(File.join(source, name))
          FileUtils.mv(File.join(cap.dir, name), source)
        end
        cap.instance_variable_set(:@dir, source)
      end
    end

    it ":local sends the branch as it is committed" do
      cap = deployer(:local)
      File.write(File.join(source, "small"), "not committed")
      expect(cap.cap("deploy")).to succeed
      expect(hosts.map { |host| host.sh!("cat /srv/app/current/small") }).to all(eq("x"))
      expect(hosts.map { |host| revision(host) }).to all(eq(@first))
      expect(File.exist?(host(1).path("/srv/app/repo"))).to be(false)
      expect_nothing_left
    end

    it ":working_tree sends the files as they are" do
      cap = deployer(:working_tree)
      File.write(File.join(source, "small"), "not committed")
      expect(cap.cap("deploy")).to succeed
      expect_current(checkout.except("log/capistrano.log"), ignore: %w[REVISION REVISION_TIME log/capistrano.log])
      expect(hosts.map { |host| revision(host) }).to all(eq("#{@first}-modified"))
      expect_nothing_left
    end

    it ":local names a branch that is not there, and does nothing" do
      cap = deployer(:local, 'set :branch, "nosuch"')
      expect(cap.cap("deploy")).to fail_saying(/branch "nosuch" is not in the git/)
      expect(hosts.map { |host| File.exist?(host.path("/srv/app")) }).to all(be(false))
    end

    it ":local sends repo_tree alone" do
      cap = deployer(:local, 'set :repo_tree, "deep/er"')
      expect(cap.cap("deploy")).to succeed
      expect(host(3).sh!("ls /srv/app/current")).to eq("REVISION\nREVISION_TIME\nfile\n")
      expect(deployer(:local, 'set :repo_tree, "deeper"').cap("deploy")).to fail_saying(/repo_tree "deeper" is no dir/)
      expect_nothing_left
    end
  end

  describe "when something is wrong from the start" do
    it "with the branch: says so, and nothing is done" do
      host(1).sh!("git -C /srv/source.git branch other/nosuch")
      %w[nosuch refs/heads/nosuch other].each do |branch|
        cap = deployer3("/srv/source.git", "set :branch, #{branch.inspect}")
        expect(cap.cap("deploy")).to fail_saying(%r{branch "#{branch}" is not in /srv/source.git})
      end
      expect(hosts.map { |host| Dir.children(host.path("/srv")) - ["source.git"] }).to all(be_empty)
      expect_nothing_left
    end

    it "with a commit that is not there: says so, and no release is begun" do
      cap = deployer3("/srv/source.git", 'set :branch, "deadbeef"')
      expect(cap.cap("deploy")).to fail_saying(%r{branch "deadbeef" is not in /srv/source.git})
      expect_nothing_done
    end

    { "no deploy_to" => [%w[application deploy_to], /set :application, "name" or :deploy_to/],
      "no repo_url" => [%w[repo_url], /set :repo_url, /] }.each do |what, (without, text)|
      it "#{what}: says so, and nothing is done" do
        cap = deployer3("/srv/source.git")
        file = File.join(cap.dir, "config/deploy.rb")
        cap.deploy = File.readlines(file).grep_v(/set :(#{without.join("|")}),/).join
        expect(cap.cap("deploy")).to fail_saying(text)
        expect(hosts.map { |host| Dir.children(host.path("/srv")) - ["source.git"] }).to all(be_empty)
        expect_nothing_left
      end
    end

    it "no servers, or a role that nobody has: says so" do
      expect(deployer3("/srv/source.git", servers: []).cap("deploy"))
        .to fail_saying(/no server has the role tracker: no server is defined/)
      lines = ["server #{addresses[0].inspect}, roles: %w{tracker seeder}"]
      expect(deployer3("/srv/source.git", servers: lines).cap("deploy")).to fail_saying(/no server has the role peer/)
      lines << "role :peer, #{addresses[1].inspect}"
      expect(deployer3("/srv/source.git", servers: lines).cap("deploy"))
        .to fail_saying(/#{addresses[0]}: gets releases, but has not the role peer/)
      expect_nothing_done
    end

    it "git is not on the seeder: says so, and nothing is done" do
      cap = deployer3("/srv/source.git", 'SSHKit.config.command_map[:git] = "/opt/nothing/git"')
      expect(cap.cap("deploy")).to fail_saying(/failed on #{addresses[0]}: git is not there: install it/)
      expect(hosts.map { |host| File.exist?(host.path("/srv/app")) }).to all(be(false))
      expect_nothing_left
    end

    it "a second SCM in the Capfile: says which line to remove" do
      cap = deployer3("/srv/source.git",
                      capfile: "require \"capistrano/scm/git\"\ninstall_plugin Capistrano::SCM::Git")
      expect(cap.cap("deploy")).to fail_saying(/remove `install_plugin Capistrano::SCM::Git` from your Capfile/)
      expect_nothing_done
    end

    it "one server is down: names it, and nothing is done" do
      cap = deployer3("/srv/source.git", "set :connection_timeout, 3")
      host(3).kill
      expect(cap.cap("deploy")).to fail_saying(/failed on #{addresses[2]}: cannot connect/)
      expect_nothing_done
    end
  end

  it "waits for a server that is off as long as connection_timeout says, and not for the others" do
    cap = deployer3("/srv/source.git", "set :connection_timeout, 3")
    expect(cap.cap("deploy")).to succeed
    host(3).vanish
    result = cap.cap("deploy")
    expect(result).to fail_saying(/failed on #{addresses[2]}: cannot connect \(Net::SSH::ConnectionTimeout/)
    expect(result.seconds).to be_between(3, 8)
    expect_nothing_left
    expect(hosts.first(2).map { |host| releases(host).size }).to all(eq(1))
  end

  it "names a server that loses its power in mid-transfer, and removes the release from the others" do
    cap = deployer3("/srv/source.git", "set :connection_timeout, 3")
    expect(cap.cap("deploy")).to succeed
    before = hosts.map { |host| releases(host) }
    commit(source, { "large" => Random.new(5).bytes(3 << 20) })
    publish(source)
    job = nil
    fleet.shaped("6mbit") do
      job = cap.start("deploy")
      job.wait_for(/murder_client peer/, timeout: 90)
      sleep 1
      host(3).vanish
      @killed = Hosts::Processes.now
      expect(job.wait(timeout: 120)).not_to eq(0)
    end
    expect(job.text).to match(/murder:peer failed on #{addresses[2]}: the connection was lost/)
    expect(Hosts::Processes.now - @killed).to be < 75 # README: about 40
    others = hosts - [host(3)]
    expect(others.map { |host| releases(host) }).to eq(before.first(2))
    expect_nothing_left
  end

  it "removes the release everywhere when one server's disk is full, and runs deploy:failed" do
    cap = deployer3("/srv/source.git", 'task("deploy:failed") { puts "HOOK failed" }')
    expect(cap.cap("deploy")).to succeed
    before = hosts.map { |host| releases(host) }
    tree = checkout
    commit(source, { "big" => Random.new(3).bytes(20 << 20) })
    publish(source)
    host(3).sh!("mount -t tmpfs -o size=8m none /srv/app/releases")
    expect(cap.cap("deploy")).to fail_saying(/murder:peer failed on #{addresses[2]}: .*(room|space)/i, /HOOK failed/)
    host(3).sh!("umount /srv/app/releases")
    expect(hosts.map { |host| releases(host) }).to eq(before)
    expect_current(tree)
    expect_nothing_left
  end

  describe "when it is interrupted with Ctrl-C" do
    # While the first of the tasks that match is at work.
    def interrupt_at(pattern, bytes: 60 << 20, again: nil)
      commit(source, { "big" => Random.new(4).bytes(bytes) })
      publish(source)
      cap = deployer3("/srv/source.git")
      expect(cap.cap("murder:distribute_files")).to succeed
      fleet.shaped("20mbit") do
        job = cap.start("deploy")
        job.wait_for(pattern)
        sleep 0.7
        job.interrupt
        if again
          job.wait_for(again)
          job.interrupt
        end
        expect(job.wait(timeout: 60)).not_to eq(0)
        expect(job.text).to include("failed with an error: interrupted: what was begun has been ended")
      end
      expect_nothing_done
    end

    it("packing: nothing is left") { interrupt_at(/murder:create_torrent/) }
    it "packing a directory by hand: nothing appears later" do
      20.times { |number| write_files(host(1), "/srv/data", number.to_s => Random.new(number).bytes(8 << 20)) }
      cap = deployer3("/srv/source.git")
      expect(cap.cap("murder:distribute_files")).to succeed
      job = cap.start("murder:create_torrent", "tag=v1", "files_path=/srv/data")
      sleep 0.05 until all_running.grep(/murder_make_torrent/).any?
      job.interrupt
      expect(job.wait(timeout: 60)).not_to eq(0)
      expect(all_running).to include(/murder_make_torrent/)
      expect(left_running(timeout: 60)).to be_empty
      expect(left_in_temp).to be_empty
    end

    it("transferring: nothing is left") { interrupt_at(/murder_client peer/) }
    it("twice: nothing is left") { interrupt_at(/murder_client peer/, again: /cleaning up/) }
    it("fetching the revision: nothing is left") { interrupt_at(/git archive/) }
  end
end
