import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/** Usage: JettyServer CERT KEY. Prints one line "H2C-PORT TLS-PORT". */
public class JettyServer {
  public static void main(String[] args) throws Exception {
    Server server = new Server();
    HttpConfiguration config = new HttpConfiguration();
    config.setRequestHeaderSize(262144);
    ServerConnector clear = new ServerConnector(server, new HTTP2CServerConnectionFactory(config));
    SslContextFactory.Server tls = new SslContextFactory.Server();
    tls.setKeyStore(keys(args[0], args[1]));
    tls.setKeyStorePassword("");
    ALPNServerConnectionFactory alpn = new ALPNServerConnectionFactory("h2");
    SslConnectionFactory ssl = new SslConnectionFactory(tls, alpn.getProtocol());
    ServerConnector secure = new ServerConnector(server, ssl, alpn, new HTTP2ServerConnectionFactory(config));
    for (ServerConnector connector : new ServerConnector[] {clear, secure}) {
      connector.setHost("127.0.0.1");
      server.addConnector(connector);
    }
    ServletContextHandler context = new ServletContextHandler(server, "/");
    context.addServlet(new ServletHolder(new JettyAnswers()), "/*");
    server.start();
    System.out.println(clear.getLocalPort() + " " + secure.getLocalPort());
  }

  /** Jetty 9 has the servlets of version 3.1, which know no trailers; its own classes do. */
  private static class JettyAnswers extends Answers {
    @Override
    protected void trailers(HttpServletRequest request, HttpServletResponse response) throws IOException {
      HttpFields trailers = new HttpFields();
      ((Response) response).setTrailers(() -> trailers);
      request.getInputStream().transferTo(response.getOutputStream());
      trailers.addAll(((Request) request).getTrailers());
    }
  }

  private static KeyStore keys(String cert, String key) throws Exception {
    Certificate[] chain = {CertificateFactory.getInstance("X.509").generateCertificate(new FileInputStream(cert))};
    String text = Files.readString(Path.of(key)).replaceAll("-----[A-Z ]+-----|\\s", "");
    PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text));
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry("key", KeyFactory.getInstance("EC").generatePrivate(spec), new char[0], chain);
    return store;
  }
}
