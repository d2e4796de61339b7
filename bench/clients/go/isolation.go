// Small requests beside something that blocks their connection; see ../../work/isolation.mjs.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// isolationJob is in milliseconds and bytes.
type isolationJob struct {
	Control    int
	Way        string
	Addresses  []string
	Uploads    int
	Downloads  int
	Waiting    int
	UploadSize int64
	Apart      int
	Before     int
	After      int
	Every      int
	Count      int
	Limit      int
	Post       bool
	Cold       bool
	Held       bool
}

func sleep(milliseconds int) { time.Sleep(time.Duration(milliseconds) * time.Millisecond) }

func isolation(j job) map[string]float64 {
	control, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", j.Control))
	check(err)
	lines := bufio.NewScanner(control)
	ask := func(line string) string {
		fmt.Fprintln(control, line)
		lines.Scan()
		return lines.Text()
	}
	port := ask("open " + j.Way)
	client := isolated(j, port)
	call := func(path, method string, body io.Reader) error {
		request, err := http.NewRequest(method, "https://localhost:"+port+path, body)
		check(err)
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
	if !j.Cold {
		for i := 0; i < 3; i++ {
			check(call("/small", "GET", nil))
		}
	}
	for i := 0; i < j.Waiting; i++ {
		go call("/wait", "GET", nil)
	}
	for i := 0; i < j.Downloads; i++ {
		go call("/down", "GET", nil)
	}
	for i := 0; i < j.Uploads; i++ {
		go call("/up", "POST", &zeros{j.UploadSize})
		sleep(j.Apart)
	}
	sleep(j.Before)

	took := make([]float64, j.Count)
	var done sync.WaitGroup
	one := func(i int, path string) {
		defer done.Done()
		begun := time.Now()
		answered := make(chan error, 1)
		go func() {
			if j.Post {
				answered <- call(path, "POST", strings.NewReader(strings.Repeat("x", 1024)))
			} else {
				answered <- call(path, "GET", nil)
			}
		}()
		took[i] = math.Inf(1)
		select {
		case err := <-answered:
			if err == nil {
				took[i] = time.Since(begun).Seconds() * 1e3
			}
		case <-time.After(time.Duration(j.Limit) * time.Millisecond):
		}
	}
	all := func(path string) {
		for i := 0; i < j.Count; i++ {
			done.Add(1)
			go one(i, path)
			sleep(j.Every)
		}
	}
	if j.Held {
		all("/held")
		sleep(50)
		ask("fault")
	} else {
		ask("fault")
		sleep(j.After)
		all("/small")
	}
	done.Wait()
	sort.Float64s(took)
	inTime := 0
	for inTime < len(took) && !math.IsInf(took[inTime], 1) {
		inTime++
	}
	connections, err := strconv.ParseFloat(ask("count"), 64)
	check(err)
	result := map[string]float64{"inTime": float64(inTime), "connections": connections}
	for name, share := range map[string]float64{"p50": 0.5, "p99": 0.99} {
		if at := int(share * float64(len(took))); at < inTime {
			result[name] = took[at]
		}
	}
	return result
}

// isolated is http2.Transport as it comes; localhost stands for the addresses, the first of which takes connections.
func isolated(j job, port string) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(j.CA))
	address := "127.0.0.1"
	if len(j.Addresses) > 0 {
		address = j.Addresses[0]
	}
	transport := &http2.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		DialTLS: func(network, _ string, config *tls.Config) (net.Conn, error) {
			return tls.Dial(network, net.JoinHostPort(address, port), config)
		},
	}
	return &http.Client{Transport: transport}
}
