# MLflow's server with a driver for PostgreSQL; compose.yaml starts both.
FROM python:3.12-slim

WORKDIR /build
COPY constraints.txt ./
RUN pip install --no-cache-dir mlflow psycopg2-binary --constraint constraints.txt

WORKDIR /
RUN mkdir /artifacts && chown 10001:10001 /artifacts
USER 10001:10001
ENV HOME=/tmp
# Its pages for language models start a dozen processes that nothing here needs.
ENV MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
EXPOSE 5000
ENTRYPOINT ["mlflow", "server", "--host", "0.0.0.0", "--port", "5000"]
