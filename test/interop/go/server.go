// An HTTP/2 server over golang.org/x/net/http2 for the interop tests. It answers the paths of
// test/support/endpoints.ts. At SIGUSR1 the running server shuts down gracefully (GOAWAY, then its streams finish)
// while the next connection meets a new one on the same port.
//
// Usage: server CERT KEY. Prints one line "H2C-PORT TLS-PORT" and runs until its standard input ends.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/http2"
)

// generation is one server: what Shutdown ends.
type generation struct {
	http *http.Server
	h2   *http2.Server
}

type server struct {
	mu      sync.Mutex
	current *generation
}

func (s *server) renew() (old *generation) {
	next := &generation{
		http: &http.Server{Handler: http.HandlerFunc(s.serve), MaxHeaderBytes: 1 << 20},
		h2:   &http2.Server{MaxConcurrentStreams: 200},
	}
	if err := http2.ConfigureServer(next.http, next.h2); err != nil {
		log.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, s.current = s.current, next
	return old
}

func (s *server) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			if secure, ok := conn.(*tls.Conn); ok {
				if err := secure.Handshake(); err != nil {
					conn.Close()
					return
				}
			}
			s.mu.Lock()
			g := s.current
			s.mu.Unlock()
			g.h2.ServeConn(conn, &http2.ServeConnOpts{BaseConfig: g.http})
		}()
	}
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/")
	argument := 0
	if len(parts) > 2 {
		argument, _ = strconv.Atoi(parts[2])
	}
	switch parts[1] {
	case "hello.txt":
		io.WriteString(w, "hello\n")
	case "echo":
		echo(w, r.Body)
	case "count":
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	case "bytes":
		w.Header().Set("Content-Length", strconv.Itoa(argument))
		writePattern(w, argument)
	case "headers":
		fields := map[string]string{}
		for name, values := range r.Header {
			fields[strings.ToLower(name)] = strings.Join(values, ", ")
		}
		json.NewEncoder(w).Encode(fields)
	case "large-headers":
		for i := 0; i < argument; i++ {
			w.Header().Set(fmt.Sprintf("x-large-%d", i), strings.Repeat("v", 1000))
		}
	case "trailers":
		echo(w, r.Body)
		for name, values := range r.Trailer {
			for _, value := range values {
				w.Header().Add(http.TrailerPrefix+name, value)
			}
		}
	case "status":
		w.WriteHeader(argument)
	case "delay":
		time.Sleep(time.Duration(argument) * time.Millisecond)
		io.WriteString(w, "hello\n")
	default:
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, "not found\n")
	}
}

// echo sends on what it reads as it comes.
func echo(w http.ResponseWriter, r io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := r.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

// writePattern writes length bytes, byte i being i mod 251.
func writePattern(w io.Writer, length int) {
	chunk := make([]byte, 251*130)
	for i := range chunk {
		chunk[i] = byte(i % 251)
	}
	for length > 0 {
		n := len(chunk)
		if n > length {
			n = length
		}
		if _, err := w.Write(chunk[:n]); err != nil {
			return
		}
		length -= n
	}
}

func listen() net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	return listener
}

func main() {
	certificate, err := tls.LoadX509KeyPair(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	s := &server{}
	s.renew()
	clear, secure := listen(), listen()
	go s.accept(clear)
	go s.accept(tls.NewListener(secure, &tls.Config{
		Certificates: []tls.Certificate{certificate},
		NextProtos:   []string{http2.NextProtoTLS},
	}))
	drain := make(chan os.Signal, 1)
	signal.Notify(drain, syscall.SIGUSR1)
	go func() {
		for range drain {
			go s.renew().http.Shutdown(context.Background())
		}
	}()
	fmt.Println(clear.Addr().(*net.TCPAddr).Port, secure.Addr().(*net.TCPAddr).Port)
	io.Copy(io.Discard, os.Stdin)
}
