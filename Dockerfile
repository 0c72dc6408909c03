FROM python:3.11-slim
RUN useradd --create-home --uid 1000 studio && install -d -o studio /var/lib/studio
WORKDIR /srv/studio
COPY requirements.txt .
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements.txt
COPY . .
ENV VAR_DIR=/var/lib/studio PYTHONUNBUFFERED=1
USER studio
VOLUME /var/lib/studio
CMD ["gunicorn", "config.wsgi", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--bind", "0.0.0.0:8000"]
