# Image of a strategy container: Python with tradai and the engine, and nothing else.
#
# BASE is an image with Python, pinned by its digest. The folder `packages` of the context is the
# installed tree for that Python: docs/how-to/build-an-image.md says how to make it from the lock.
ARG BASE
FROM ${BASE}
COPY packages/ /opt/tradai/packages/
RUN python3 -m venv --without-pip /opt/tradai \
    && folder=$(/opt/tradai/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
    && echo /opt/tradai/packages > "$folder/packages.pth" \
    && printf '%s\n' '#!/opt/tradai/bin/python -P' 'from tradai.entrypoint import main' \
        'raise SystemExit(main())' > /opt/tradai/bin/tradai-entrypoint \
    && chmod 755 /opt/tradai/bin/tradai-entrypoint \
    && (/opt/tradai/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/tradai/packages > /dev/null || true) \
    && mkdir -p /work && chown 10001:10001 /work
ENV PATH=/opt/tradai/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/work \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# The root may be read-only: these two are written to.
VOLUME ["/work", "/tmp"]
WORKDIR /work
USER 10001:10001
ENTRYPOINT ["tradai-entrypoint", "contain", "--"]
