// The Go client of the benchmarks: golang.org/x/net/http2, one connection. Its one argument is the job, in JSON; it
// prints what it measured as one line of JSON. Build with GO111MODULE=off and Debian's GOPATH.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

type job struct {
	Work           string
	Origin         string
	Path           string
	CA             string
	InFlight       int
	WarmUp         int
	Duration       int
	How            string
	Size           int64
	WarmUpSize     int64
	Times          int
	Seconds        float64
	BytesPerSecond float64
	Operation      string
	Vectors        string
	isolationJob
}

func main() {
	var j job
	check(json.Unmarshal([]byte(os.Args[1]), &j))
	var result map[string]float64
	switch j.Work {
	case "requests":
		result = requests(j)
	case "transfer":
		result = transfer(j)
	case "long-fat":
		result = longFat(j)
	case "hpack":
		result = vectors(j)
	case "isolation":
		result = isolation(j)
	default:
		check(fmt.Errorf("there is no work %q", j.Work))
	}
	check(json.NewEncoder(os.Stdout).Encode(result))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func newClient(j job) *http.Client {
	transport := &http2.Transport{}
	if j.CA == "" {
		transport.AllowHTTP = true
		transport.DialTLS = func(network, addr string, _ *tls.Config) (net.Conn, error) {
			return net.Dial(network, addr)
		}
	} else {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(j.CA))
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return &http.Client{Transport: transport}
}

// meter measures the CPU time of this process and the time on the clock.
type meter struct {
	cpu   time.Duration
	start time.Time
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func newMeter() meter { return meter{cpuTime(), time.Now()} }

// stop gives CPU microseconds a unit, and units a second.
func (m meter) stop(units float64) map[string]float64 {
	return map[string]float64{
		"cpu":  float64(cpuTime()-m.cpu) / 1e3 / units,
		"rate": units / time.Since(m.start).Seconds(),
	}
}

func get(client *http.Client, url string) {
	response, err := client.Get(url)
	check(err)
	if response.StatusCode != 200 {
		check(fmt.Errorf("status %d", response.StatusCode))
	}
	_, err = io.Copy(io.Discard, response.Body)
	check(err)
	response.Body.Close()
}

func requests(j job) map[string]float64 {
	client := newClient(j)
	url := j.Origin + j.Path
	load(client, url, j.InFlight, j.WarmUp)
	m := newMeter()
	made, times := load(client, url, j.InFlight, j.Duration)
	result := m.stop(made)
	sort.Float64s(times)
	if len(times) > 0 {
		result["p50"] = times[len(times)/2]
		result["p99"] = times[len(times)*99/100]
	}
	return result
}

// load keeps so many requests under way for so many milliseconds; every 16th is timed.
func load(client *http.Client, url string, inFlight, duration int) (float64, []float64) {
	var made int64
	var stop int32
	var lock sync.Mutex
	var times []float64
	var workers sync.WaitGroup
	time.AfterFunc(time.Duration(duration)*time.Millisecond, func() { atomic.StoreInt32(&stop, 1) })
	for i := 0; i < inFlight; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for atomic.LoadInt32(&stop) == 0 {
				if atomic.AddInt64(&made, 1)%16 != 0 {
					get(client, url)
					continue
				}
				start := time.Now()
				get(client, url)
				took := time.Since(start).Seconds() * 1e3
				lock.Lock()
				times = append(times, took)
				lock.Unlock()
			}
		}()
	}
	workers.Wait()
	return float64(made), times
}

// zeros is a request body of so many bytes.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > z.left {
		p = p[:z.left]
	}
	z.left -= int64(len(p))
	return len(p), nil
}

func bodyOf(j job, size int64) string { return fmt.Sprintf("%s/bytes-%d", j.Origin, size) }

func transfer(j job) map[string]float64 {
	client := newClient(j)
	one := func(size int64) {
		if j.How == "upload" {
			response, err := client.Post(j.Origin+"/sink", "application/octet-stream", &zeros{size})
			check(err)
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
			return
		}
		response, err := client.Get(bodyOf(j, size))
		check(err)
		n, err := io.Copy(io.Discard, response.Body)
		check(err)
		if n != size {
			check(fmt.Errorf("%d of %d bytes came", n, size))
		}
		response.Body.Close()
	}
	if j.WarmUpSize > 0 {
		one(j.WarmUpSize)
	}
	m := newMeter()
	for i := 0; i < j.Times; i++ {
		one(j.Size)
	}
	result := m.stop(float64(j.Size) * float64(j.Times))
	return map[string]float64{"cpu": result["cpu"] * 1e3, "rate": result["rate"] / 1e6}
}

func longFat(j job) map[string]float64 {
	client := newClient(j)
	get(client, j.Origin+j.Path)
	cpu := cpuTime()
	start := time.Now()
	response, err := client.Get(bodyOf(j, j.Size))
	check(err)
	defer response.Body.Close()
	buffer := make([]byte, 65536)
	var n int64
	for n < j.Size && time.Since(start).Seconds() < j.Seconds {
		k, err := response.Body.Read(buffer)
		n += int64(k)
		if err == io.EOF {
			break
		}
		check(err)
	}
	rate := float64(n) / time.Since(start).Seconds()
	return map[string]float64{
		"share": rate / j.BytesPerSecond,
		"rate":  rate / 1e6,
		"cpu":   float64(cpuTime()-cpu) / float64(n),
	}
}

// vectors decodes or encodes the published header-compression vectors over and over.
func vectors(j job) map[string]float64 {
	var stories []struct {
		Cases []struct {
			Wire    string
			Headers []map[string]string
		}
	}
	file, err := os.Open(j.Vectors)
	check(err)
	unzipped, err := gzip.NewReader(file)
	check(err)
	check(json.NewDecoder(unzipped).Decode(&stories))
	var blocks [][][]byte
	var lists [][][]hpack.HeaderField
	count := 0
	for _, story := range stories {
		var storyBlocks [][]byte
		var storyLists [][]hpack.HeaderField
		for _, step := range story.Cases {
			block, err := hex.DecodeString(step.Wire)
			check(err)
			storyBlocks = append(storyBlocks, block)
			var fields []hpack.HeaderField
			for _, header := range step.Headers {
				for name, value := range header {
					fields = append(fields, hpack.HeaderField{Name: name, Value: value})
				}
			}
			storyLists = append(storyLists, fields)
			count++
		}
		blocks = append(blocks, storyBlocks)
		lists = append(lists, storyLists)
	}
	fields := 0
	pass := func() {
		for i := range stories {
			if j.Operation == "decode" {
				decoder := hpack.NewDecoder(16384, func(hpack.HeaderField) { fields++ })
				for _, block := range blocks[i] {
					_, err := decoder.Write(block)
					check(err)
				}
				continue
			}
			var output bytes.Buffer
			encoder := hpack.NewEncoder(&output)
			for _, list := range lists[i] {
				output.Reset()
				for _, field := range list {
					check(encoder.WriteField(field))
				}
			}
		}
	}
	repeat := func(duration int) (passes float64) {
		for end := time.Now().Add(time.Duration(duration) * time.Millisecond); time.Now().Before(end); passes++ {
			pass()
		}
		return passes
	}
	repeat(j.WarmUp)
	m := newMeter()
	return m.stop(repeat(j.Duration) * float64(count))
}
