// nginx, with the files of the other servers: HTTP/2 and HTTP/1.1 over TLS at one port, HTTP/1.1 in the clear at another.
import { join } from 'node:path';

/** Of the loopback, for requests that are spread over addresses. */
const addresses = Array.from({ length: 20 }, (_, i) => `127.0.0.${i + 1}`);

// Started by root, its worker would be nobody, who reads no files of root's.
const asUser = process.getuid?.() === 0 ? 'user root;' : '';

/** A POST is answered with the file that a GET would get, once its body was read. */
export const nginxConfig = ({ folder, key, cert, tls, clear }) => `
${asUser}
daemon off;
worker_processes 1;
error_log stderr error;
pid ${join(folder, 'nginx.pid')};
events { worker_connections 4096; }
http {
  access_log off;
  default_type application/json;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  http2_max_concurrent_streams 1000;
  large_client_header_buffers 8 32k;
  client_body_buffer_size 64k;
  ssl_certificate ${cert};
  ssl_certificate_key ${key};
  ssl_protocols TLSv1.3;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path ${join(folder, one)};`).join('\n  ')}
  server {
    ${addresses.map((address) => `listen ${address}:${tls} ssl http2;`).join('\n    ')}
    listen 127.0.0.1:${clear};
    root ${folder};
    error_page 405 =200 $uri;
  }
}
`;
