# The images of Notebook Sessions, one target for each: service, operator, session-tools, certificates, session.
# docs/images.md explains them; scripts/build-images builds all of them.
#
# Packages of npm and PyPI have the versions and hashes of package-lock.json and images/session/requirements.txt. Packages of
# Debian are the newest of its stable release at the time of the build, because they contain the security updates.
#
# In a network with its own certificate authority, pass the file with all authorities as a secret of the build:
# --secret id=authorities,src=/etc/ssl/certs/ca-certificates.crt
#
# The digests are those of the images for all platforms. docs/images.md says how to update them.
ARG DEBIAN=docker.io/library/debian:trixie-20260918-slim@sha256:a99cfc517144bc59b1978475ec53b46ecabec7e43635402ee5b77cc54cd1b20a
ARG NODE=docker.io/library/node:24.21.0-trixie-slim@sha256:8ec5d7557396cfe32d21c3f9c13072355ceab22b584578ca4bb28af31120cffe

# --- Stages that the images copy from ---

# The npm packages. Node.js is one of them, so that the images run the Node.js that the tests run.
FROM ${NODE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=secret,id=authorities NODE_EXTRA_CA_CERTS=/run/secrets/authorities \
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund --no-update-notifier --cache /tmp/npm \
 && mv node_modules/node-linux-*/bin/node /usr/local/bin/node-of-lock-file \
 && rm -r node_modules/node-linux-* \
 && find node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

# The source, with the same permissions whatever the umask of the checkout was: user 1000 must be able to read all files.
FROM packages AS source
COPY LICENSE openapi.yaml package.json ./
COPY src ./src
COPY session-python/__main__.py session-python/start.sh session-python/alive.sh ./session-python/
COPY session-python/session_kernels ./session-python/session_kernels
RUN chmod -R u=rwX,go=rX LICENSE openapi.yaml package.json session-python src

# The source as JavaScript: the part of Node.js that removes types takes memory and time at each start.
FROM source AS javascript
COPY scripts/emit-javascript.ts ./scripts/
RUN node-of-lock-file --disable-warning=ExperimentalWarning scripts/emit-javascript.ts src build/src \
 && chmod -R u=rwX,go=rX build

FROM ${DEBIAN} AS debian
ENV LANG=C.UTF-8
RUN --mount=type=cache,id=apt-lists,target=/var/lib/apt/lists --mount=type=cache,id=apt-archives,target=/var/cache/apt \
    apt-get update && apt-get upgrade --yes

# The root folder of the service and the operator: Node.js, tini and the libraries of both; no shell, no package manager.
# /var/lib/dpkg/status.d tells scanners the versions of the Debian packages.
FROM debian AS runtime
RUN --mount=type=cache,id=apt-lists,target=/var/lib/apt/lists --mount=type=cache,id=apt-archives,target=/var/cache/apt \
    apt-get update && apt-get install --yes --no-install-recommends tini
COPY --from=packages /usr/local/bin/node-of-lock-file /runtime/usr/local/bin/node
WORKDIR /runtime
RUN mkdir -p etc tmp usr/bin var/lib/dpkg/status.d \
 && chmod 1777 tmp \
 && cp /usr/bin/tini usr/bin/tini \
 && cp /etc/nsswitch.conf etc/ \
 && echo 'nonroot:x:1000:1000:nonroot:/nonexistent:/usr/sbin/nologin' > etc/passwd \
 && echo 'nonroot:x:1000:' > etc/group \
 && ldd usr/local/bin/node usr/bin/tini | grep -o '/lib[^ ]*' | sort -u > /tmp/libraries \
 && xargs cp --parents --dereference --target-directory . < /tmp/libraries \
 && for package in libc6 libgcc-s1 libstdc++6 tini; do \
      dpkg-query --status "$package" > "var/lib/dpkg/status.d/$package" \
      && cp --parents "/usr/share/doc/$package/copyright" . || exit 1; \
    done

# --- The images ---

FROM scratch AS programs
COPY --from=runtime /runtime /
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY --from=source /app/LICENSE /app/openapi.yaml /app/package.json ./
COPY --from=javascript /app/build/src ./src
# The programs use little memory for a little more processor time (docs/benchmarks.md): malloc has one arena and not one for each
# thread; V8 returns unused memory, and collects garbage at the latest when the heap has doubled. There is no limit of the heap,
# because a program that reaches it ends.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1
USER 1000:1000
STOPSIGNAL SIGTERM

FROM programs AS service
LABEL org.opencontainers.image.title="Notebook Sessions: service" org.opencontainers.image.licenses="Apache-2.0"
EXPOSE 8000
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/bin/node", "--max-semi-space-size=8", "--memory-saver-mode", "--heap-growing-percent=100", "src/main.js"]

FROM programs AS operator
LABEL org.opencontainers.image.title="Notebook Sessions: operator" org.opencontainers.image.licenses="Apache-2.0"
# malloc returns large blocks to the system at once, such as the pages of lists. The service sends large responses, for which that
# takes a quarter more processor time.
ENV MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/bin/node", "--max-semi-space-size=8", "--memory-saver-mode", "--heap-growing-percent=50", "src/operator/main.js"]

FROM debian AS git
RUN --mount=type=cache,id=apt-lists,target=/var/lib/apt/lists --mount=type=cache,id=apt-archives,target=/var/cache/apt \
    apt-get update && apt-get install --yes --no-install-recommends ca-certificates git git-lfs tini

# rclone, with the version and the hashes of images/rclone/requirements.txt. From the stage `git`, because stages that are built at the
# same time must not share the caches of apt.
FROM git AS rclone
RUN --mount=type=cache,id=apt-lists,target=/var/lib/apt/lists --mount=type=cache,id=apt-archives,target=/var/cache/apt \
    apt-get update && apt-get install --yes --no-install-recommends python3 python3-pip
COPY images/rclone/requirements.txt /tmp/requirements.txt
RUN --mount=type=secret,id=authorities,target=/etc/ssl/certs/ca-certificates.crt \
    python3 -m pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes --target /opt/rclone -r /tmp/requirements.txt

FROM git AS session-tools
LABEL org.opencontainers.image.title="Notebook Sessions: session tools" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=packages /usr/local/bin/node-of-lock-file /usr/local/bin/node
COPY --from=rclone /opt/rclone/bin/rclone /usr/local/bin/rclone
WORKDIR /app
COPY --from=source /app/LICENSE /app/package.json ./
# The only package that the session tools use.
COPY --from=packages /app/node_modules/ignore ./node_modules/ignore
COPY --from=javascript /app/build/src/lib ./src/lib
COPY --from=javascript /app/build/src/session-contract ./src/session-contract
COPY --from=javascript /app/build/src/session-tools ./src/session-tools
COPY --from=source /app/session-python ./session-python
# As for the service: each session has two of these programs, which are idle most of the time.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1
USER 1000:1000
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/tini", "-g", "--", "/usr/local/bin/node", "--max-semi-space-size=1", "--memory-saver-mode", "--heap-growing-percent=30"]
CMD ["/app/src/session-tools/git-clone/main.js"]

FROM debian AS certificates
LABEL org.opencontainers.image.title="Notebook Sessions: certificates" org.opencontainers.image.licenses="Apache-2.0"
RUN --mount=type=cache,id=apt-lists,target=/var/lib/apt/lists --mount=type=cache,id=apt-archives,target=/var/cache/apt \
    apt-get update && apt-get install --yes --no-install-recommends ca-certificates openssl
# The program writes its temporary files to the volume at /etc/ssl/certs, so it needs no other folder that it can write to.
ENV TMPDIR=/etc/ssl/certs
USER 1000:1000
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/sbin/update-ca-certificates", "--fresh"]

FROM git AS python
RUN --mount=type=cache,id=apt-lists,target=/var/lib/apt/lists --mount=type=cache,id=apt-archives,target=/var/cache/apt \
    apt-get update && apt-get install --yes --no-install-recommends curl less nano openssh-client procps python3 python3-venv \
 && useradd --create-home --uid 1000 --gid 100 --shell /bin/bash jovyan \
 && echo 'PATH=/opt/jupyter/bin:$PATH' > /etc/profile.d/jupyter.sh

FROM python AS jupyter
COPY images/session/requirements.txt /tmp/requirements.txt
RUN --mount=type=secret,id=authorities,target=/etc/ssl/certs/ca-certificates.crt \
    python3 -m venv /opt/jupyter \
 && /opt/jupyter/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r /tmp/requirements.txt

FROM python AS session
LABEL org.opencontainers.image.title="Notebook Sessions: JupyterLab" org.opencontainers.image.licenses="Apache-2.0"
# Users can install packages: the environment belongs to them.
COPY --from=jupyter --chown=1000:100 /opt/jupyter /opt/jupyter
ENV PATH=/opt/jupyter/bin:/usr/local/bin:/usr/bin:/bin SHELL=/bin/bash
WORKDIR /home/jovyan
USER 1000:100
STOPSIGNAL SIGTERM
EXPOSE 8888
ENTRYPOINT ["/usr/bin/tini", "-g", "--"]
CMD ["jupyter", "lab"]
