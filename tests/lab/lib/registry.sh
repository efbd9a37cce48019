# shellcheck shell=bash
# The two registries of the lab, both Debian's docker-registry on loopback:
#   registry        open; the engines' mirror of docker.io
#   auth-registry   requires user and password (LAB_AUTH_USER, LAB_AUTH_PASSWORD)

# A registry with a password answers 401, which counts as an answer.
registry_answers() {
  case $(curl -sS --max-time 2 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$(lab_port "$1")/v2/") in
    200 | 401) ;;
    *) return 1 ;;
  esac
}

# registry_start NAME
registry_start() {
  local name=$1 dir=$LAB_STATE/$1 port
  if lab_alive "$name"; then
    registry_answers "$name"
    return
  fi
  mkdir -p "$dir/data"
  port=$(lab_port_for_start "$name")
  cat >"$dir/config.yml" <<YAML
version: 0.1
log: { level: info }
storage:
  filesystem: { rootdirectory: $dir/data }
  cache: { blobdescriptor: inmemory }
  delete: { enabled: true }
http:
  addr: 127.0.0.1:$port
  # Without a fixed secret, each start would break uploads that a client resumes.
  secret: $name
YAML
  if [ "$name" = auth-registry ]; then
    registry_htpasswd >"$dir/htpasswd"
    printf 'auth:\n  htpasswd: { realm: lab, path: %s/htpasswd }\n' "$dir" >>"$dir/config.yml"
  fi
  lab_spawn "$name" docker-registry serve "$dir/config.yml"
  lab_ready "$name" 15 registry_answers "$name"
}

# The registry only accepts bcrypt. crypt(3) supports it, and every Debian has perl.
registry_htpasswd() {
  local salt
  salt=$(head -c 64 /dev/urandom | base64 -w 0 | tr -dc 'A-Za-z0-9' | cut -c 1-21)
  # The last character of a salt has two bits: only . O e u are valid there.
  SALT="\$2y\$05\$${salt}u" perl -e \
    'my $h = crypt($ENV{LAB_AUTH_PASSWORD}, $ENV{SALT}); die "no bcrypt in crypt(3)\n" unless $h =~ /^\$2y/; print "$ENV{LAB_AUTH_USER}:$h\n"'
}
