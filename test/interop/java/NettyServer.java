import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Prints one line, the port for h2c. Answers the paths of test/support/endpoints.ts. */
public class NettyServer {
  public static void main(String[] args) throws Exception {
    ServerBootstrap server = new ServerBootstrap();
    server.group(new NioEventLoopGroup()).channel(NioServerSocketChannel.class);
    server.childHandler(new ChannelInitializer<Channel>() {
      @Override
      protected void initChannel(Channel channel) {
        Http2Settings settings = Http2Settings.defaultSettings().maxHeaderListSize(262144).maxConcurrentStreams(200);
        channel.pipeline().addLast(Http2FrameCodecBuilder.forServer().initialSettings(settings).build());
        channel.pipeline().addLast(new Http2MultiplexHandler(new ChannelInitializer<Channel>() {
          @Override
          protected void initChannel(Channel stream) {
            stream.pipeline().addLast(new Answer());
          }
        }));
      }
    });
    Channel channel = server.bind("127.0.0.1", 0).sync().channel();
    System.out.println(((InetSocketAddress) channel.localAddress()).getPort());
  }

  /** One stream. What answers with the request's own body and trailers does so as they come. */
  private static class Answer extends ChannelInboundHandlerAdapter {
    private boolean echoes;

    @Override
    public void channelRead(ChannelHandlerContext stream, Object frame) {
      if (frame instanceof Http2HeadersFrame) headers(stream, (Http2HeadersFrame) frame);
      else if (frame instanceof Http2DataFrame && echoes) stream.writeAndFlush(frame);
      else ReferenceCountUtil.release(frame);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext stream, Throwable error) {
      stream.close(); // the client has reset it
    }

    private void headers(ChannelHandlerContext stream, Http2HeadersFrame frame) {
      if (frame.headers().method() == null) { // trailers
        if (echoes) stream.writeAndFlush(new DefaultHttp2HeadersFrame(frame.headers(), true));
        return;
      }
      String[] parts = frame.headers().path().toString().split("/");
      int argument = parts.length > 2 ? Integer.parseInt(parts[2]) : 0;
      Http2Headers fields = new DefaultHttp2Headers().status("200").set("server", "netty");
      ByteBuf body = Unpooled.EMPTY_BUFFER;
      switch (parts[1]) {
        case "echo":
        case "trailers":
          echoes = true;
          break;
        case "hello.txt":
          body = Unpooled.wrappedBuffer("hello\n".getBytes());
          break;
        case "bytes":
          byte[] bytes = new byte[argument];
          for (int index = 0; index < argument; index++) bytes[index] = (byte) (index % 251);
          body = Unpooled.wrappedBuffer(bytes);
          fields.setInt("content-length", argument);
          break;
        case "headers":
          body = Unpooled.wrappedBuffer(json(frame.headers()).getBytes());
          break;
        case "large-headers":
          for (int index = 0; index < argument; index++) fields.set("x-large-" + index, "v".repeat(1000));
          break;
        default:
          fields.status("404");
          body = Unpooled.wrappedBuffer("not found\n".getBytes());
      }
      boolean bare = frame.headers().method().toString().equals("HEAD");
      stream.writeAndFlush(new DefaultHttp2HeadersFrame(fields, bare || (echoes && frame.isEndStream())));
      if (!bare && !echoes) stream.writeAndFlush(new DefaultHttp2DataFrame(body, true));
    }

    /** Cookie crumbs are joined by a semicolon (RFC 9113 section 8.2.3). */
    private static String json(Http2Headers headers) {
      Map<String, String> joined = new TreeMap<>();
      headers.forEach(field -> joined.merge(field.getKey().toString(), field.getValue().toString(),
          (a, b) -> a + (field.getKey().toString().equals("cookie") ? "; " : ", ") + b));
      return joined.entrySet().stream()
          .map(field -> "\"" + field.getKey() + "\":\"" + field.getValue().replace("\"", "\\\"") + "\"")
          .collect(Collectors.joining(",", "{", "}"));
    }
  }
}
