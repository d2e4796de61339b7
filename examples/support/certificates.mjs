// Certificates for the loopback interface, made for this run. Yours come from files.
import { selfSignedCertificate } from '../../lib/cli/certificate.js';

export function makeCertificates() {
  return {
    server: selfSignedCertificate({ names: ['localhost'], ips: ['127.0.0.1'] }),
    client: selfSignedCertificate({ names: ['client.test'], ips: [] }),
  };
}
