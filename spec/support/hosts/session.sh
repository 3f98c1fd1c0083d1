# Every session of a host without namespaces begins here: in its own home, which
# sshd has set, rather than in the user's. See local_host.rb.
cd "$HOME" || exit 1
[ -z "${SSH_ORIGINAL_COMMAND+x}" ] || exec sh -c "$SSH_ORIGINAL_COMMAND"
exec sh
