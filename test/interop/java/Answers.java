import java.io.IOException;
import java.io.OutputStream;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;

/** The paths of test/support/endpoints.ts, in any servlet container. */
public class Answers extends HttpServlet {
  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
    if (request.getMethod().equals("HEAD")) {
      response.setContentLength(Integer.parseInt(request.getRequestURI().replaceAll("\\D", "")));
      return;
    }
    String[] parts = request.getRequestURI().split("/");
    String name = parts.length > 1 ? parts[1] : "";
    int argument = parts.length > 2 ? Integer.parseInt(parts[2]) : 0;
    OutputStream out = response.getOutputStream();
    switch (name) {
      case "hello.txt":
        out.write("hello\n".getBytes());
        break;
      case "echo":
        request.getInputStream().transferTo(out);
        break;
      case "bytes":
        byte[] piece = new byte[251 * 64];
        for (int index = 0; index < piece.length; index++) piece[index] = (byte) (index % 251);
        response.setContentLength(argument);
        for (int sent = 0; sent < argument; sent += piece.length)
          out.write(piece, 0, Math.min(piece.length, argument - sent));
        break;
      case "headers":
        out.write(Collections.list(request.getHeaderNames()).stream()
            .map(field -> quoted(field) + ":" + quoted(valueOf(request, field)))
            .collect(Collectors.joining(",", "{", "}")).getBytes());
        break;
      case "large-headers":
        for (int index = 0; index < argument; index++) response.setHeader("x-large-" + index, "v".repeat(1000));
        break;
      case "trailers":
        trailers(request, response);
        break;
      default:
        response.setStatus(404);
        out.write("not found\n".getBytes());
    }
  }

  /** The request's body and then its trailers, which are not known before. */
  protected void trailers(HttpServletRequest request, HttpServletResponse response) throws IOException {
    Map<String, String> trailers = new HashMap<>();
    response.setTrailerFields(() -> trailers);
    request.getInputStream().transferTo(response.getOutputStream());
    trailers.putAll(request.getTrailerFields());
  }

  /** Cookie crumbs are joined by a semicolon (RFC 9113 section 8.2.3), other fields by a comma. */
  private static String valueOf(HttpServletRequest request, String field) {
    return String.join(field.equalsIgnoreCase("cookie") ? "; " : ", ", Collections.list(request.getHeaders(field)));
  }

  private static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }
}
