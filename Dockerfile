# syntax=docker/dockerfile:1
# This checkout in the environment of requirements.lock, with torch for processors.
#
#   docker build -t icnewton .
#   docker run --rm -v icnewton-results:/home/newton/icnewton/results icnewton
#   docker run --rm icnewton make reproduce SCALE=smoke
FROM python:3.11-slim-bookworm

# cc compiles a layer of the trainings; git tells the commit that records name
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc git libc6-dev make \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 newton
USER newton
WORKDIR /home/newton/icnewton

# its torch 2.13.0+cpu goes before the one with CUDA
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
COPY --chown=newton:newton . .
RUN --mount=type=cache,target=/home/newton/.cache/pip,uid=1000 make .venv/installed \
    && mkdir results

VOLUME /home/newton/icnewton/results
CMD ["make", "reproduce"]
