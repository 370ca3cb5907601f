# One image: the program, the documents and their index.
#
#   docker build -t zhengwen .
#   docker run --rm --volume zhengwen:/var/lib/zhengwen zhengwen keys create --name portal --scope ask --scope search
#   docker run --rm -p 127.0.0.1:8000:8000 --volume zhengwen:/var/lib/zhengwen --read-only --tmpfs /tmp --cap-drop ALL zhengwen
#
# `--build-arg CORPUS=DIR` indexes another folder of this checkout. Keys, conversations, feedback and the audit log are kept in the
# volume; apart from it the container writes nothing but, now and then, to /tmp. Whoever asks from outside of it needs a key.

ARG PYTHON_VERSION=3.11

# --- build: everything that needs pip, and the index ---------------------------------------------------------------------
FROM python:${PYTHON_VERSION}-slim AS build

# The same build of torch as in the Makefile; TORCH_CPU_INDEX may name a mirror of it.
ARG TORCH=torch==2.13.0
ARG TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu
ARG ALLOW_CUDA=0

ENV PATH=/opt/zhengwen/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

RUN python -m venv /opt/zhengwen
RUN pip install --compile --extra-index-url "${TORCH_CPU_INDEX}" "${TORCH}" \
 && ALLOW_CUDA="${ALLOW_CUDA}" python -c 'import os, sys, torch; sys.exit("torch " + torch.__version__ + " is a CUDA build: make TORCH_CPU_INDEX reachable, or accept it with ALLOW_CUDA=1" if torch.version.cuda and os.environ["ALLOW_CUDA"] != "1" else 0)'

WORKDIR /src
COPY requirements.lock ./
RUN pip install --compile --no-deps --require-hashes --requirement requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY prompts/ prompts/
COPY models/ models/
COPY indexer/ indexer/
COPY service/ service/
COPY eval/ eval/
RUN pip install --compile --no-deps --no-build-isolation . && pip check

ARG CORPUS=corpus
COPY ${CORPUS}/ /srv/zhengwen/corpus/
# The index is written readable by its owner only.
RUN zhengwen index --corpus /srv/zhengwen/corpus --index /srv/zhengwen/index \
 && chmod -R a+rX /srv/zhengwen \
 && mkdir --parents /var/lib/zhengwen && chown 10001:10001 /var/lib/zhengwen && chmod 700 /var/lib/zhengwen

# --- run: no pip cache, no sources, no root ------------------------------------------------------------------------------
FROM python:${PYTHON_VERSION}-slim

# Bytecode was compiled at installation. No model is ever looked for on the network; should a library want a cache, it finds /tmp.
ENV PATH=/opt/zhengwen/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    HF_HUB_OFFLINE=1 \
    ZHENGWEN_CORPUS=/srv/zhengwen/corpus \
    ZHENGWEN_INDEX=/srv/zhengwen/index \
    ZHENGWEN_DATABASE=sqlite:////var/lib/zhengwen/zhengwen.db \
    ZHENGWEN_HOST=0.0.0.0 \
    ZHENGWEN_PORT=8000

COPY --from=build /opt/zhengwen /opt/zhengwen
COPY --from=build /srv/zhengwen /srv/zhengwen
COPY --from=build --chown=10001:10001 /var/lib/zhengwen /var/lib/zhengwen
VOLUME /var/lib/zhengwen

# Owns nothing but its records: program, documents and index are root's and only read.
USER 10001:10001
WORKDIR /srv/zhengwen
EXPOSE 8000

# Without curl, and without the proxy that the environment may name.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['ZHENGWEN_PORT']), timeout=4); c.request('GET', '/readyz'); sys.exit(c.getresponse().status != 200)"]

ENTRYPOINT ["zhengwen"]
CMD ["serve"]
