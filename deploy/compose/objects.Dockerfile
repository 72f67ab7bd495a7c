# versitygw with folders that an account without rights may write: a new volume takes over their owner.
FROM versity/versitygw:v1.8.0
RUN mkdir -p /srv/s3/data /srv/s3/metadata /srv/s3/accounts && chown -R 10001:10001 /srv/s3
USER 10001:10001
